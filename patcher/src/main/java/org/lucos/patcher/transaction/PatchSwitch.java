package org.lucos.patcher.transaction;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.patcher.consistency.NamedRange;
import org.lucos.patcher.guestcall.GuestCalls;
import org.lucos.patcher.kernel.LoadedModule;
import org.lucos.patcher.kernel.RunningKernel;
import org.lucos.patcher.plan.TextEdit;
import org.lucos.patcher.refusal.RefusedException;
import org.lucos.patcher.refusal.StateRefusal;

/**
 * Moves a patch between its states: loads it, switches to it, switches back, unloads it. The table
 * of states is in ARCHITECTURE.md; every other transition is refused.
 */
public final class PatchSwitch {
  /** What {@code module.refcnt} holds while nobody uses the module (MODULE_REF_BASE). */
  private static final int UNUSED = 1;

  private final RunningKernel kernel;
  private final TextSwitch textSwitch;
  private final Duration callbackLimit;

  /**
   * @param maxPause the longest stack check after which anything is written
   * @param callbackLimit how long a callback of the patch may run
   */
  public PatchSwitch(RunningKernel kernel, Duration maxPause, Duration callbackLimit) {
    this.kernel = kernel;
    this.callbackLimit = callbackLimit;
    this.textSwitch = new TextSwitch(kernel, maxPause);
  }

  /**
   * absent -> loaded: has the guest load the module. One that was retained is taken again.
   *
   * @param limit how long a guest call may wait for a carrier
   */
  public LoadedModule load(String name, byte[] image, Duration limit) {
    GuestCalls.open(kernel).close(); // a dead controller's call may be about to load the same
    Optional<GuestPatch> present = GuestPatch.find(kernel, name);
    if (present.isPresent() && present.get().state() == PatchState.RETAINED) {
      callbacks(limit).afterUnpatch(present.get(), true);
      return present.get().module();
    }
    makeRoom(name, present, limit);
    try (GuestCalls calls = GuestCalls.open(kernel)) {
      return new ModuleLoader(kernel, calls, limit).load(name, image);
    }
  }

  /** loaded -> applied: redirects every target, or changes nothing. */
  public SwitchOutcome apply(GuestPatch patch, Duration timeout) {
    if (patch.state() != PatchState.LOADED && patch.state() != PatchState.RETAINED) {
      throw new IllegalStateException(
          "patch is not loaded: patch=" + patch.ledger().patch() + ", state=" + patch.state());
    }
    patch.requireModules();
    List<NamedRange> busy = new ArrayList<>();
    List<TextEdit> edits = new ArrayList<>();
    List<ModuleHold> targets = new ArrayList<>();
    if (patch.module().references() == 0) {
      edits.add(references(patch.module(), UNUSED, UNUSED + 1));
      patch.modules().values().forEach(module -> targets.add(new ModuleHold(kernel, module)));
    }
    for (GuestPatch.Site site : patch.sites()) {
      site.target()
          .code()
          .forEach(code -> busy.add(new NamedRange(site.target().function(), code.range())));
      edits.add(site.redirect());
    }
    return textSwitch.run("apply", busy, () -> with(edits, targets, ModuleHold::take), timeout);
  }

  private static List<TextEdit> with(
      List<TextEdit> edits, List<ModuleHold> targets, Function<ModuleHold, TextEdit> change) {
    List<TextEdit> all = new ArrayList<>(edits);
    targets.forEach(target -> all.add(change.apply(target)));
    return all;
  }

  /**
   * applied, orphaned or failed -> loaded: puts every redirected site back. Of a module that is
   * gone or was loaded anew nothing is written.
   *
   * @return nothing if there was nothing to put back
   * @throws RefusedException with {@link StateRefusal.TextChanged} if a site holds foreign bytes
   */
  public Optional<SwitchOutcome> revert(GuestPatch patch, Duration timeout) {
    List<TextEdit> edits = new ArrayList<>();
    for (GuestPatch.Site site : patch.sites()) {
      switch (site.state()) {
        case REDIRECTED -> edits.add(site.redirect().reversed());
        case FOREIGN ->
            throw new RefusedException(
                new StateRefusal.TextChanged(
                    site.target().function(), "foreign bytes at " + site.redirect().at()));
        case ORIGINAL, GONE -> {
          // put back already, or no longer that function's
        }
      }
    }
    List<ModuleHold> targets = new ArrayList<>();
    if (patch.module().references() == 1 && patch.ledger().escapes().isEmpty()) {
      edits.add(references(patch.module(), UNUSED + 1, UNUSED));
      patch.heldModules().forEach(module -> targets.add(new ModuleHold(kernel, module)));
    }
    if (edits.isEmpty()) {
      return Optional.empty();
    }
    List<NamedRange> busy =
        patch.module().part(LoadedModule.Kind.TEXT).stream()
            .map(range -> new NamedRange(patch.module().name(), range))
            .toList();
    return Optional.of(
        textSwitch.run("revert", busy, () -> with(edits, targets, ModuleHold::release), timeout));
  }

  /**
   * loaded -> absent, where that is safe; a module whose addresses the kernel may keep is retained.
   *
   * @return whether the module is gone
   */
  public boolean unloadUnlessRetained(String name, Duration limit) {
    Optional<GuestPatch> retained =
        GuestPatch.find(kernel, name).filter(patch -> patch.state() == PatchState.RETAINED);
    if (retained.isPresent()) {
      callbacks(limit).afterUnpatch(retained.get(), true);
    } else {
      unload(name, limit);
    }
    return retained.isEmpty();
  }

  /** loaded -> absent: runs the callbacks that are owed and has the guest free the module. */
  public void unload(String name, Duration limit) {
    GuestPatch.find(kernel, name)
        .filter(patch -> patch.state() == PatchState.LOADED)
        .ifPresent(patch -> callbacks(limit).afterUnpatch(patch, false));
    try (GuestCalls calls = GuestCalls.open(kernel)) {
      new ModuleLoader(kernel, calls, limit).unload(name);
    }
  }

  /**
   * The callbacks of patches in this guest.
   *
   * @param limit how long each may wait for a carrier
   */
  public PatchCallbacks callbacks(Duration limit) {
    return new PatchCallbacks(kernel, limit, callbackLimit);
  }

  /** A module that an interrupted operation left behind is removed; an applied one is refused. */
  private void makeRoom(String name, Optional<GuestPatch> present, Duration limit) {
    if (present.isPresent() && present.get().state() == PatchState.LOADED) {
      unload(name, limit);
    } else if (present.isPresent()) {
      throw new RefusedException(
          new StateRefusal.AlreadyApplied(
              present.get().ledger().patch(), "its state is " + present.get().state()));
    } else if (ModuleLoader.find(kernel, name).isPresent()) {
      throw new RefusedException(
          new StateRefusal.AlreadyApplied(
              name, "a module of that name without a ledger is loaded"));
    }
  }

  private TextEdit references(LoadedModule module, int before, int after) {
    GuestVirtualAddress counter =
        module.struct().plus(kernel.types().struct("module").field("refcnt.counter").offset());
    return new TextEdit(counter, word(before), word(after));
  }

  private static byte[] word(int value) {
    return new byte[] {
      (byte) value, (byte) (value >>> 8), (byte) (value >>> 16), (byte) (value >>> 24)
    };
  }
}
