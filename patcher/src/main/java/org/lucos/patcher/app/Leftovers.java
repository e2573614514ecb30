package org.lucos.patcher.app;

import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.lucos.patcher.kernel.RunningKernel;
import org.lucos.patcher.transaction.GuestPatch;
import org.lucos.patcher.transaction.PatchState;
import org.lucos.patcher.transaction.PatchSwitch;

/** Modules in the guest that redirect nothing. */
final class Leftovers {
  private Leftovers() {}

  /** What an interrupted apply left behind makes room for this one. */
  static void takeOut(
      Settings settings,
      GuestSession session,
      List<CheckedBundle> bundles,
      SwitchLimits limits,
      Phases phases) {
    RunningKernel kernel = session.kernel();
    Set<String> modules = new HashSet<>();
    for (CheckedBundle bundle : bundles) {
      modules.add(
          bundle
              .bundle()
              .variantFor(kernel.identity().release(), kernel.identity().buildId())
              .variant()
              .moduleName());
    }
    List<GuestPatch> leftovers =
        GuestPatch.all(kernel).stream()
            .filter(patch -> patch.state() == PatchState.LOADED)
            .filter(patch -> modules.contains(patch.module().name()))
            .toList();
    if (leftovers.isEmpty()) {
      return;
    }
    PatchSwitch patchSwitch = session.patchSwitch(limits);
    try (OperationLog log = OperationLog.open(settings, session.domain().identity(), "tidy");
        Operation operation =
            Operation.begin(
                settings,
                session,
                phases,
                log,
                leftovers.stream().map(Operation::leaving).toList(),
                List.of())) {
      for (GuestPatch leftover : leftovers) {
        String module = leftover.module().name();
        operation.step("take out what was left behind", "unload", Map.of("module", module));
        patchSwitch.unload(module, limits.timeout());
      }
      operation.complete();
    }
  }
}
