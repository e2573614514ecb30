package org.lucos.bench.cli;

import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import org.lucos.patcher.app.Failures;
import org.lucos.patcher.app.Version;
import org.lucos.patcher.refusal.ExitCode;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.HelpCommand;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** The {@code lucos-corpus} command. */
@Command(
    name = "lucos-corpus",
    description =
        "Measures how much of the difference between two Debian kernel versions becomes live"
            + " patches, file by file.",
    mixinStandardHelpOptions = true,
    versionProvider = CorpusMain.VersionProvider.class,
    subcommands = {RunCommand.class, ReportCommand.class, HelpCommand.class},
    synopsisSubcommandLabel = "COMMAND")
public final class CorpusMain implements Runnable {
  @Spec private CommandSpec spec;

  @SuppressWarnings("NullAway.Init") // picocli sets spec before it runs anything
  private CorpusMain() {}

  /** Runs one command and ends the process with its exit code. */
  public static void main(String[] arguments) {
    PrintWriter err = new PrintWriter(System.err, true, StandardCharsets.UTF_8);
    CommandLine line = new CommandLine(new CorpusMain());
    line.setUsageHelpAutoWidth(true);
    line.setExecutionExceptionHandler((failure, command, parsed) -> failed(failure, err));
    System.exit(line.execute(arguments));
  }

  private static int failed(Exception failure, PrintWriter err) {
    return Failures.refusal(failure)
        .map(
            refusal -> {
              err.println("lucos-corpus: " + refusal.message());
              err.println("              " + refusal.remedy());
              return refusal.exitCode().value();
            })
        .orElseGet(
            () -> {
              err.println("lucos-corpus: " + Failures.describe(failure));
              failure.printStackTrace(err);
              return ExitCode.FAILED.value();
            });
  }

  @Override
  public void run() {
    throw new CommandLine.ParameterException(spec.commandLine(), "name a command");
  }

  /** Reads the version from the jar. */
  static final class VersionProvider implements IVersionProvider {
    @Override
    public String[] getVersion() {
      return new String[] {"lucos-corpus " + Version.current()};
    }
  }
}
