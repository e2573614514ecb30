package org.lucos.patcher.cli;

import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.lucos.patcher.app.CheckAudit;
import org.lucos.patcher.app.Progress;
import org.lucos.patcher.app.Settings;
import org.lucos.patcher.app.ShowAudit;
import org.lucos.patcher.refusal.ExitCode;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code lucos audit}. */
@Command(
    name = "audit",
    description = "What was done to guests from this host: one line each, linked by digests.",
    mixinStandardHelpOptions = true,
    subcommands = {AuditCommand.Verify.class, AuditCommand.Show.class},
    synopsisSubcommandLabel = "COMMAND")
@SuppressWarnings("NullAway.Init") // picocli sets the fields
final class AuditCommand implements Runnable {
  @Spec private CommandSpec spec;

  @Override
  public void run() {
    throw new CommandLine.ParameterException(spec.commandLine(), "name a command");
  }

  /** {@code lucos audit verify}. */
  @Command(
      name = "verify",
      description =
          "Checks that no line was altered, removed or cut off. Lines missing at the end are known"
              + " by audit.head beside the log; who can write both can cut both: keep the last"
              + " digest elsewhere.")
  static final class Verify extends Subcommand<CheckAudit.Outcome> {
    @Parameters(
        index = "0",
        arity = "0..1",
        paramLabel = "FILE",
        description = "a copy of the log, with its head beside it (default: the one of this host)")
    private @Nullable Path file;

    @Override
    CheckAudit.Outcome run(Settings settings, Progress progress) {
      return new CheckAudit(settings).run(Optional.ofNullable(file));
    }

    @Override
    ExitCode exitCode(CheckAudit.Outcome checked) {
      return checked.sound() ? ExitCode.OK : ExitCode.RECORD_ALTERED;
    }

    @Override
    void print(Console console, CheckAudit.Outcome checked) {
      console.line(
          "%s: %d lines: %s",
          checked.file(),
          checked.lines(),
          checked.sound() ? "as they were written" : "NOT as they were written");
      checked.problems().forEach(problem -> console.line("  %s", problem));
      checked.notes().forEach(note -> console.line("  note: %s", note));
      console.line("  last digest %s", checked.last());
    }
  }

  /** {@code lucos audit show}. */
  @Command(name = "show", description = "Shows the last operations that are recorded.")
  static final class Show extends Subcommand<ShowAudit.Outcome> {
    @Option(
        names = {"-g", "--guest"},
        paramLabel = "GUEST",
        description = "only of this guest: its name, or its UUID")
    private @Nullable String guest;

    @Option(
        names = {"-n", "--last"},
        paramLabel = "N",
        defaultValue = "20",
        description = "how many (default: ${DEFAULT-VALUE})")
    private int last;

    @Override
    ShowAudit.Outcome run(Settings settings, Progress progress) {
      return new ShowAudit(settings).run(Optional.ofNullable(guest), last);
    }

    @Override
    void print(Console console, ShowAudit.Outcome outcome) {
      for (ShowAudit.Line line : outcome.lines()) {
        console.line(
            "%5d  %s  %-14s %-8s %-20s %s: %s",
            line.number(),
            line.at(),
            line.user(),
            line.operation(),
            line.guest(),
            line.patches().isEmpty() ? "-" : String.join(", ", line.patches()),
            line.outcome());
      }
      if (outcome.lines().isEmpty()) {
        console.line("No operation is recorded.");
      }
      if (!outcome.sound()) {
        console.line("The log is NOT as it was written: see 'lucos audit verify'.");
      }
    }
  }
}
