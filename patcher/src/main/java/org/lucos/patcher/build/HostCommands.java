package org.lucos.patcher.build;

import java.util.List;

/** Runs programs on this host. Injected, so that tests can stand in for apt and make. */
public interface HostCommands {

  /**
   * Runs one program and waits for it.
   *
   * @throws org.lucos.patcher.refusal.RefusedException {@code HostNotReady} when the program is not
   *     installed
   * @throws BuildFailedException when it could not be run to its end, or exceeded its limit
   */
  CommandOutcome run(Command command);

  /**
   * Runs programs with each one's output piped into the next; the outcome is the last one's, its
   * exit code the first that is not 0.
   */
  CommandOutcome pipe(List<Command> commands);
}
