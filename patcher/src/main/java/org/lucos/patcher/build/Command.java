package org.lucos.patcher.build;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A program to run on this host, without a shell.
 *
 * @param argv the program and its arguments
 * @param directory where it runs; the controller's own directory when empty
 * @param environment variables added to the controller's own
 * @param output the file its standard output goes to; captured as text when empty
 * @param limit how long it may take
 */
public record Command(
    List<String> argv,
    Optional<Path> directory,
    Map<String, String> environment,
    Optional<Path> output,
    Duration limit) {

  /** How long a command may take unless it says otherwise. */
  public static final Duration DEFAULT_LIMIT = Duration.ofMinutes(20);

  /** Keeps its own copies. */
  public Command {
    argv = List.copyOf(argv);
    environment = Map.copyOf(environment);
    if (argv.isEmpty()) {
      throw new IllegalArgumentException("a command needs a program");
    }
  }

  /** This program with these arguments. */
  public static Command of(String... argv) {
    return of(List.of(argv));
  }

  /** This program with these arguments. */
  public static Command of(List<String> argv) {
    // A fixed locale: some outputs are read, and builds must not depend on who runs them.
    return new Command(
        argv, Optional.empty(), Map.of("LC_ALL", "C"), Optional.empty(), DEFAULT_LIMIT);
  }

  /** The same, run in {@code where}. */
  public Command in(Path where) {
    return new Command(argv, Optional.of(where), environment, output, limit);
  }

  /** The same, with its standard output written to {@code file}. */
  public Command to(Path file) {
    return new Command(argv, directory, environment, Optional.of(file), limit);
  }

  /** The same with a time limit. */
  public Command within(Duration time) {
    return new Command(argv, directory, environment, output, time);
  }

  /** The program's name. */
  public String program() {
    return argv.get(0);
  }
}
