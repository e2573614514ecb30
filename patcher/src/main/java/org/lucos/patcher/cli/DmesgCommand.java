package org.lucos.patcher.cli;

import java.time.Duration;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.lucos.patcher.app.Progress;
import org.lucos.patcher.app.Settings;
import org.lucos.patcher.app.ShowLog;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code lucos dmesg}. */
@Command(
    name = "dmesg",
    description = "Shows a guest's kernel log, from its memory and without a pause.")
@SuppressWarnings("NullAway.Init") // picocli sets the fields
final class DmesgCommand extends Subcommand<ShowLog.Outcome> {
  @Mixin private GuestArgument guest;

  @Option(
      names = "--level",
      split = ",",
      paramLabel = "LEVEL",
      description =
          "only messages of these levels: emerg, alert, crit, err, warn, notice, info, debug")
  private @Nullable Set<String> levels;

  @Option(
      names = "--since",
      paramLabel = "SEQ",
      defaultValue = "0",
      description =
          "begin with the message of this number (--json shows them; default: the oldest)")
  private long since;

  @Option(
      names = {"-f", "--follow"},
      description = "go on with what is logged later; with --json, an object a line")
  private boolean follow;

  @Option(
      names = "--for",
      paramLabel = "TIME",
      converter = Options.DurationConverter.class,
      description = "how long --follow goes on (default: without end)")
  private @Nullable Duration limit;

  @Option(
      names = "--troubles",
      description = "only what the log complains of: oops, BUG, WARN, lockups, stalls, hung tasks")
  private boolean troubles;

  @Spec private CommandSpec spec;

  @Override
  ShowLog.Outcome run(Settings settings, Progress progress) {
    Set<String> wanted = levels == null ? Set.of() : levels;
    for (String level : wanted) {
      if (!ShowLog.LEVELS.contains(level)) {
        throw new ParameterException(
            spec.commandLine(),
            "'" + level + "' is no level: " + String.join(", ", ShowLog.LEVELS));
      }
    }
    Optional<Duration> following =
        follow ? Optional.of(limit == null ? Duration.ZERO : limit) : Optional.empty();
    Console console = console();
    return new ShowLog(settings)
        .run(
            new ShowLog.Request(guest.name(), since, wanted, following),
            message -> {
              if (console.isJson()) {
                console.jsonLine(message);
              } else if (!troubles) {
                print(console, message);
              }
              console.flush();
            });
  }

  @Override
  boolean isStream() {
    return follow;
  }

  @Override
  void print(Console console, ShowLog.Outcome log) {
    if (!troubles) {
      log.messages().forEach(message -> print(console, message));
    }
    if (log.lost() + log.damaged() > 0) {
      console.line(
          "note: %d messages were overwritten, %d made no sense", log.lost(), log.damaged());
    }
    if (troubles) {
      log.troubles().forEach(trouble -> print(console, trouble));
      HealthText.condition(console, log.condition());
    }
  }

  private static void print(Console console, ShowLog.Message message) {
    message
        .text()
        .lines()
        .forEach(line -> console.line("[%12s] %s", message.time(), HealthText.safe(line)));
    if (message.text().isEmpty()) {
      console.line("[%12s] ", message.time());
    }
  }

  private static void print(Console console, ShowLog.Found trouble) {
    console.line(
        "%-11s [%12s] %s%s",
        trouble.kind(),
        trouble.time(),
        HealthText.safe(trouble.text()),
        trouble.function().isEmpty()
            ? ""
            : " (in "
                + HealthText.safe(trouble.function())
                + ", "
                + trouble.where()
                + " patched code)");
  }
}
