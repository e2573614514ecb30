package org.lucos.patcher.cli;

import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import org.lucos.patcher.refusal.ExitCode;
import picocli.CommandLine;

/** The {@code lucos} command. */
public final class Main {
  private Main() {}

  /** Runs one command and ends the process with its exit code. */
  public static void main(String[] arguments) {
    System.exit(run(arguments));
  }

  /** Runs one command. */
  public static int run(String... arguments) {
    Console console =
        new Console(
            new PrintWriter(System.out, false, StandardCharsets.UTF_8),
            new PrintWriter(System.err, true, StandardCharsets.UTF_8),
            onTerminal());
    CommandLine line = new CommandLine(new LucosCommand(console));
    describeExitCodes(line);
    line.setCaseInsensitiveEnumValuesAllowed(true);
    line.setUsageHelpAutoWidth(true);
    line.setExecutionExceptionHandler(
        (failure, command, parsed) -> console.failed(failure, command.getCommandName()));
    line.setExitCodeExceptionMapper(failure -> ExitCode.FAILED.value());
    line.setParameterExceptionHandler(
        (problem, given) -> {
          CommandLine command = problem.getCommandLine();
          command.getErr().println("lucos: " + problem.getMessage());
          CommandLine.UnmatchedArgumentException.printSuggestions(problem, command.getErr());
          command.getErr().println("Try 'lucos " + path(command) + "--help'.");
          return ExitCode.USAGE.value();
        });
    int exit = line.execute(arguments);
    console.flush();
    return exit;
  }

  private static void describeExitCodes(CommandLine line) {
    Map<String, String> codes = new LinkedHashMap<>();
    for (ExitCode code : ExitCode.values()) {
      codes.put(String.format("%2d", code.value()), code.meaning());
    }
    line.getCommandSpec().usageMessage().exitCodeListHeading("%nExit codes:%n").exitCodeList(codes);
    line.getSubcommands().values().forEach(Main::describeExitCodes);
  }

  /** JDK 17 gives a console exactly if both ends are terminals; later ones always give one. */
  @SuppressWarnings("SystemConsoleNull")
  private static boolean onTerminal() {
    return System.console() != null;
  }

  private static String path(CommandLine command) {
    return command.getParent() == null ? "" : command.getCommandName() + " ";
  }
}
