package org.lucos.patcher.cli;

import java.time.Duration;
import java.util.List;
import java.util.Locale;
import org.lucos.patcher.app.Progress;
import org.lucos.patcher.app.Settings;
import org.lucos.patcher.app.ShowStatus;
import org.lucos.patcher.app.WatchGuests;
import org.lucos.patcher.refusal.ExitCode;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code lucos watch}. */
@Command(
    name = "watch",
    description = {
      "Shows guests again and again: their patches, who is still inside of what these replaced, how"
          + " they are since it began, and the last operation with its pauses. Stops nothing.",
      "Ends with 15 if a guest was not well, or gone, at the last look."
    })
@SuppressWarnings("NullAway.Init") // picocli sets the fields
final class WatchCommand extends Subcommand<WatchGuests.Look> {
  private static final String CLEAR = "\033[H\033[J";

  @Parameters(
      paramLabel = "GUEST",
      arity = "1..*",
      description = "names, UUIDs or ids of running domains")
  private List<String> guests;

  @Option(
      names = "--interval",
      paramLabel = "TIME",
      defaultValue = "2s",
      converter = Options.DurationConverter.class,
      description = "between looks (default: ${DEFAULT-VALUE})")
  private Duration interval;

  @Option(
      names = "--count",
      paramLabel = "N",
      defaultValue = "0",
      description = "end after so many looks (default: go on until it is stopped)")
  private int count;

  @Option(
      names = "--stuck-after",
      paramLabel = "TIME",
      defaultValue = "10s",
      converter = Options.DurationConverter.class,
      description =
          "how long a task may sleep uninterruptibly in patched code (default: ${DEFAULT-VALUE})")
  private Duration stuckAfter;

  @Spec private CommandSpec spec;

  private int looks;

  @Override
  WatchGuests.Look run(Settings settings, Progress progress) {
    if (count < 0) {
      throw new ParameterException(spec.commandLine(), "--count cannot be negative: " + count);
    }
    Console console = console();
    return new WatchGuests(settings)
        .run(
            new WatchGuests.Request(guests, interval, stuckAfter),
            look -> {
              if (console.isJson()) {
                console.jsonLine(look);
              } else {
                show(console, look);
              }
              console.flush();
              return ++looks != count;
            });
  }

  @Override
  boolean isStream() {
    return true;
  }

  @Override
  ExitCode exitCode(WatchGuests.Look last) {
    return last.isWell() ? ExitCode.OK : ExitCode.UNHEALTHY;
  }

  /** Everything was said while it was seen. */
  @Override
  void print(Console console, WatchGuests.Look last) {}

  private void show(Console console, WatchGuests.Look look) {
    console.line("%s%s", console.isTerminal() ? CLEAR : "", look.at());
    look.guests().forEach(view -> show(console, view));
  }

  private static void show(Console console, WatchGuests.View view) {
    console.line(
        "%s%s: %s%s%s",
        HealthText.safe(view.name()),
        view.guest().map(guest -> " (" + HealthText.safe(guest.release()) + ")").orElse(""),
        view.state(),
        view.health()
            .map(h -> String.format(Locale.ROOT, " for %.0f s", h.watchedMilliseconds() / 1000))
            .filter(text -> view.state().equals("healthy"))
            .orElse(""),
        view.reason().isEmpty() ? "" : ": " + HealthText.safe(view.reason()));
    view.patches().forEach(patch -> show(console, patch));
    view.last()
        .ifPresent(
            last ->
                console.line(
                    "  last: %s at %s: %s, %d pauses, the longest %.2f ms",
                    last.operation(),
                    last.at(),
                    last.outcome(),
                    last.pauses(),
                    last.longestMilliseconds()));
    view.health()
        .ifPresent(health -> health.notes().forEach(note -> console.line("  note: %s", note)));
    view.notes().forEach(note -> console.line("  note: %s", HealthText.safe(note)));
  }

  private static void show(Console console, ShowStatus.Patch patch) {
    console.line("  %-8s %s  %d functions", patch.state(), patch.patch(), patch.functions().size());
    patch
        .draining()
        .forEach(
            task ->
                console.line(
                    "           still inside: %s (pid %d) in %s",
                    HealthText.safe(task.name()), task.pid(), task.function()));
    if (!patch.waitsFor().isEmpty()) {
      console.line("           waits for module %s", String.join(", ", patch.waitsFor()));
    }
  }
}
