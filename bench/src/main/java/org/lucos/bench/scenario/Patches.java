package org.lucos.bench.scenario;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.lucos.bench.harness.Setting;
import org.lucos.patcher.app.ApplyPatch;
import org.lucos.patcher.app.Progress;
import org.lucos.patcher.app.RevertPatch;
import org.lucos.patcher.app.SwitchLimits;

/** Patches going in and out of a scenario's guests. */
final class Patches {
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  /** However long a pause takes: it is measured, not undone. */
  static final SwitchLimits LIMITS =
      new SwitchLimits(PATIENCE, Duration.ofSeconds(1))
          .kickingAfter(Optional.of(SwitchLimits.KICK_AFTER));

  private Patches() {}

  /** What to apply, all together. */
  static ApplyPatch.Request request(String guest, List<Path> bundles, SwitchLimits limits) {
    return new ApplyPatch.Request(
        guest,
        bundles,
        Optional.empty(),
        limits,
        false,
        true, // of our own making, a moment ago
        false,
        false);
  }

  static ApplyPatch.Outcome apply(Setting setting, String guest, List<Path> bundles) {
    return new ApplyPatch(setting.settings()).run(request(guest, bundles, LIMITS), Progress.SILENT);
  }

  static void revert(Setting setting, String guest, List<String> names) {
    new RevertPatch(setting.settings())
        .run(new RevertPatch.Request(guest, names, LIMITS), Progress.SILENT);
  }
}
