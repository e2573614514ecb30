package org.lucos.patcher.cli;

import java.time.Duration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.lucos.patcher.app.Progress;
import org.lucos.patcher.app.Settings;
import org.lucos.patcher.app.SettlePatches;
import org.lucos.patcher.refusal.ExitCode;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code lucos settle}. */
@Command(
    name = "settle",
    description = "Applies the patches that wait for modules which are loaded by now.")
@SuppressWarnings("NullAway.Init") // picocli sets the fields
final class SettleCommand extends Subcommand<SettlePatches.Outcome> {
  @Mixin private GuestArgument guest;
  @Mixin private KeysOption keys;
  @Mixin private SwitchOptions limits;

  @Option(
      names = {"-w", "--watch"},
      description = "go on looking, without pausing the guest, until nothing waits")
  private boolean watch;

  @Option(
      names = "--interval",
      paramLabel = "TIME",
      defaultValue = "1s",
      converter = Options.DurationConverter.class,
      description = "how often --watch looks (default: ${DEFAULT-VALUE})")
  private Duration interval;

  @Option(
      names = "--for",
      paramLabel = "TIME",
      converter = Options.DurationConverter.class,
      description = "how long --watch goes on (default: without end)")
  private @Nullable Duration limit;

  @Override
  SettlePatches.Outcome run(Settings settings, Progress progress) {
    SettlePatches.Request request =
        new SettlePatches.Request(
            guest.name(),
            limits.limits(),
            watch ? Optional.of(interval) : Optional.empty(),
            Optional.ofNullable(limit));
    return new SettlePatches(keys.apply(settings)).run(request, progress);
  }

  @Override
  ExitCode exitCode(SettlePatches.Outcome outcome) {
    return outcome.worst();
  }

  @Override
  void print(Console console, SettlePatches.Outcome outcome) {
    if (outcome.patches().isEmpty()) {
      console.line("No patch waits for %s", guest.name());
    }
    for (SettlePatches.Settled patch : outcome.patches()) {
      console.line("%-8s %s%s", patch.state(), patch.patch(), reason(patch));
    }
    outcome.notes().forEach(note -> console.line("note: %s", note));
  }

  private static String reason(SettlePatches.Settled patch) {
    if (!patch.waitsFor().isEmpty()) {
      return ": for module " + String.join(", ", patch.waitsFor());
    }
    return patch.detail().isEmpty() ? "" : ": " + patch.detail();
  }
}
