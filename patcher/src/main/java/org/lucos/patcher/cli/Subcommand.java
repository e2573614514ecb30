package org.lucos.patcher.cli;

import java.util.concurrent.Callable;
import org.lucos.patcher.app.Progress;
import org.lucos.patcher.app.Settings;
import org.lucos.patcher.refusal.ExitCode;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/**
 * What all commands do alike: common options, progress, and a result as text or JSON.
 *
 * @param <R> the result, which becomes the JSON
 */
@Command(mixinStandardHelpOptions = true)
@SuppressWarnings("NullAway.Init") // picocli sets the fields
abstract class Subcommand<R> implements Callable<Integer> {
  @Spec private CommandSpec spec;
  @Mixin private Options options;

  /** Does the work. */
  abstract R run(Settings settings, Progress progress);

  /** Prints the result for people. */
  abstract void print(Console console, R result);

  /** What the shell is told of a result. */
  ExitCode exitCode(R result) {
    return ExitCode.OK;
  }

  /** Whether all there is to say in JSON was said while it was at work, an object a line. */
  boolean isStream() {
    return false;
  }

  /** Where to say it. */
  final Console console() {
    return ((LucosCommand) spec.root().userObject()).console();
  }

  @Override
  public final Integer call() {
    Console console = console();
    Settings settings = options.apply(console);
    try (TerminalProgress progress = console.progress()) {
      R result = run(settings, progress);
      progress.finish();
      if (!isStream() || !console.isJson()) {
        console.result(result, () -> print(console, result));
      }
      return exitCode(result).value();
    }
  }
}
