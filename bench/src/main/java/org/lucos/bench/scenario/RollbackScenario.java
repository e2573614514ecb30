package org.lucos.bench.scenario;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Consumer;
import org.lucos.bench.harness.Recording;
import org.lucos.bench.harness.Result;
import org.lucos.bench.harness.Samples;
import org.lucos.bench.harness.Scenario;
import org.lucos.bench.harness.Setting;
import org.lucos.patcher.app.Progress;
import org.lucos.patcher.app.SoakedApply;
import org.lucos.patcher.refusal.HealthRefusal;
import org.lucos.patcher.refusal.RefusedException;

/** How soon a patch that makes the kernel warn is found out from outside, and taken back. */
public final class RollbackScenario implements Scenario {
  private static final String PATCH = "hostname-warns";
  private static final String GROUP = "a warning";
  private static final String SEEN = "applied to seen";
  private static final String BACK = "seen to taken back";
  private static final String WHOLE = "applied to taken back";
  private static final SoakedApply.Soak SOAK =
      new SoakedApply.Soak(Duration.ofMinutes(1), SoakedApply.STUCK_AFTER, true);

  @Override
  public String name() {
    return "rollback";
  }

  @Override
  public String description() {
    return "from a bad patch to its taking back: a warning in patched code, seen from outside";
  }

  @Override
  public Result run(Setting setting, Consumer<String> progress) {
    Recording recording = Recording.begin(setting);
    Samples samples = recording.samples();
    progress.accept("booting a guest");
    try (ScenarioGuest guest =
        ScenarioGuest.boot(setting, "rollback", List.of(), Optional.empty())) {
      progress.accept("building " + PATCH + " for " + guest.release());
      Path bundle = Inputs.edit(setting, PATCH, guest.release());
      guest.run("while :; do hostname warn; sleep 0.1; done >/dev/null 2>&1 & echo $! >/tmp/use");
      for (int round = 0; round < setting.rounds(); round++) {
        HealthRefusal.UnhealthyReverted reverted = applied(setting, guest.name(), bundle);
        long seen = Math.round(reverted.seenAfterMilliseconds() * 1000);
        long back = Math.round(reverted.revertedAfterMilliseconds() * 1000);
        samples.add(GROUP, SEEN, seen);
        samples.add(GROUP, BACK, back - seen);
        samples.add(GROUP, WHOLE, back);
        progress.accept("round " + (round + 1) + " of " + setting.rounds());
      }
      guest.run("kill $(cat /tmp/use)");
      return recording.end(
          this,
          List.of(guest.facts()),
          List.of(
              String.format(
                  Locale.ROOT,
                  "medians: seen %.0f ms after the apply, taken back %.0f ms later",
                  samples.of(GROUP, SEEN).median() / 1e3,
                  samples.of(GROUP, BACK).median() / 1e3)));
    }
  }

  private static HealthRefusal.UnhealthyReverted applied(
      Setting setting, String guest, Path bundle) {
    try {
      new SoakedApply(setting.settings())
          .run(Patches.request(guest, List.of(bundle), Patches.LIMITS), SOAK, Progress.SILENT);
    } catch (RefusedException e) {
      if (e.refusal() instanceof HealthRefusal.UnhealthyReverted reverted) {
        return reverted;
      }
      throw e;
    }
    throw new IllegalStateException("a patch that warns was found to be well");
  }
}
