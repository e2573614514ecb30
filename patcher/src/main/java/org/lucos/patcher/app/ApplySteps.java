package org.lucos.patcher.app;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.lucos.patcher.kernel.LoadedModule;
import org.lucos.patcher.kernel.RunningKernel;
import org.lucos.patcher.link.LoadedImage;
import org.lucos.patcher.transaction.GuestPatch;
import org.lucos.patcher.transaction.PatchCallbacks;
import org.lucos.patcher.transaction.PatchSwitch;
import org.lucos.patcher.transaction.SwitchGround;
import org.lucos.patcher.transaction.SwitchOutcome;

/**
 * The steps that put patches into a guest, perhaps in the place of others: load, {@code pre_patch},
 * {@code pre_unpatch} of those that leave, one switch, {@code post_patch}, {@code post_unpatch} and
 * unload of those that left. What fails up to the switch is undone.
 */
final class ApplySteps {
  private final Settings settings;
  private final GuestSession session;
  private final RunningKernel kernel;
  private final SwitchLimits limits;
  private final Operation operation;
  private final boolean immediate;
  private final PatchSwitch patchSwitch;
  private final List<String> loaded = new ArrayList<>();
  private final List<GuestPatch> announced = new ArrayList<>();

  /**
   * @param immediate whether tasks may stay inside the old code
   */
  ApplySteps(
      Settings settings,
      GuestSession session,
      SwitchLimits limits,
      boolean immediate,
      Operation operation) {
    this.settings = settings;
    this.session = session;
    this.kernel = session.kernel();
    this.limits = limits;
    this.immediate = immediate;
    this.operation = operation;
    this.patchSwitch = session.patchSwitch(limits);
  }

  /**
   * Does them.
   *
   * @param prepared each before those that are to lie on it
   * @param leaving each before those that it lies on
   */
  SwitchOutcome run(List<PreparedPatch> prepared, List<GuestPatch> leaving) {
    SwitchOutcome switched;
    try {
      load(prepared, leaving);
      List<GuestPatch> coming = coming();
      for (GuestPatch patch : coming) {
        if (!patch.ledger().callbacks().isEmpty()) {
          operation.step("pre_patch", "pre_patch", Map.of("module", patch.module().name()));
          callbacks().prePatch(patch);
        }
      }
      announce(leaving);
      int sites = coming.stream().mapToInt(patch -> patch.sites().size()).sum();
      session.askInside(limits, Stream.concat(leaving.stream(), coming.stream()).toList());
      operation.step("switch", "switch", Map.of("sites", sites));
      switched = patchSwitch.exchange(leaving, coming, immediate, limits.timeout()).orElseThrow();
    } catch (RuntimeException caught) {
      throw operation.stopped(kernel, caught, this::undo);
    }
    try {
      finish(leaving);
    } catch (RuntimeException caught) {
      throw operation.behindSwitch(kernel, caught);
    }
    return switched;
  }

  private void finish(List<GuestPatch> leaving) {
    for (GuestPatch patch : coming()) {
      if (!patch.ledger().callbacks().isEmpty()) {
        operation.step("post_patch", "post_patch", Map.of("module", patch.module().name()));
        callbacks().postPatch(patch);
      }
    }
    for (GuestPatch patch : leaving) {
      String module = patch.module().name();
      operation.step("unload module", "unload", Map.of("module", module));
      patchSwitch.unloadUnlessRetained(module, limits.timeout());
    }
    operation.complete();
  }

  private void load(List<PreparedPatch> prepared, List<GuestPatch> leaving) {
    Set<String> gone =
        leaving.stream().map(patch -> patch.module().name()).collect(Collectors.toSet());
    SwitchGround ground = SwitchGround.of(GuestPatch.all(kernel), gone);
    for (PreparedPatch patch : prepared) {
      String module = patch.moduleName();
      byte[] image = patch.image(kernel, settings.clock().instant(), ground, immediate);
      operation.step("load module", "load", Map.of("module", module, "bytes", image.length));
      loaded.add(module);
      LoadedModule present = patchSwitch.load(module, image, limits.timeout());
      operation.step("check loaded text", "check", Map.of("module", module));
      LoadedImage.check(patch.linked(), image, present, kernel);
      ground = ground.under(find(module));
    }
  }

  private void announce(List<GuestPatch> leaving) {
    for (GuestPatch patch : leaving) {
      if (!patch.ledger().callbacks().isEmpty()) {
        operation.step("pre_unpatch", "pre_unpatch", Map.of("module", patch.module().name()));
        announced.add(patch);
        callbacks().preUnpatch(patch);
      }
    }
  }

  private void undo() {
    announced.forEach(callbacks()::stayPatched);
    List<String> last = new ArrayList<>(loaded);
    Collections.reverse(last);
    for (String module : last) {
      if (GuestPatch.find(kernel, module).filter(patch -> !patch.isInUse()).isPresent()) {
        patchSwitch.unloadUnlessRetained(module, limits.timeout());
      }
    }
  }

  private List<GuestPatch> coming() {
    List<GuestPatch> all = GuestPatch.all(kernel);
    return loaded.stream().map(module -> find(module, all)).toList();
  }

  private GuestPatch find(String module) {
    return find(module, GuestPatch.all(kernel));
  }

  private static GuestPatch find(String module, List<GuestPatch> all) {
    return all.stream()
        .filter(patch -> patch.module().name().equals(module))
        .findFirst()
        .orElseThrow(() -> new IllegalStateException("no ledger in module " + module));
  }

  private PatchCallbacks callbacks() {
    return patchSwitch.callbacks(limits.timeout());
  }
}
