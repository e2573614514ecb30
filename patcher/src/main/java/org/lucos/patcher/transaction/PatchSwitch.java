package org.lucos.patcher.transaction;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.lucos.patcher.bytes.Bytes;
import org.lucos.patcher.guestcall.GuestCalls;
import org.lucos.patcher.guestcall.Nudge;
import org.lucos.patcher.kernel.LoadedModule;
import org.lucos.patcher.kernel.RunningKernel;
import org.lucos.patcher.refusal.RefusedException;
import org.lucos.patcher.refusal.StateRefusal;

/**
 * Moves a patch between its states: loads it, switches to it, switches back, unloads it. The table
 * of states is {@link PatchState}; every other transition is refused.
 */
public final class PatchSwitch {
  private final RunningKernel kernel;
  private final TextSwitch textSwitch;
  private final Duration callbackLimit;
  private final Nudge nudge;

  /**
   * @param maxPause the longest stack check after which anything is written
   * @param callbackLimit how long a callback of the patch may run
   * @param kickAfter how long to wait before tasks inside are kicked; empty if none may be
   * @param nudge who in the guest may come to carry a call
   */
  public PatchSwitch(
      RunningKernel kernel,
      Duration maxPause,
      Duration callbackLimit,
      Optional<Duration> kickAfter,
      Nudge nudge) {
    this.kernel = kernel;
    this.callbackLimit = callbackLimit;
    this.nudge = nudge;
    this.textSwitch = new TextSwitch(kernel, maxPause, kickAfter, nudge);
  }

  /** One that waits for tasks that are inside, and does not kick them. */
  public PatchSwitch(RunningKernel kernel, Duration maxPause, Duration callbackLimit) {
    this(kernel, maxPause, callbackLimit, Optional.empty(), Nudge.NONE);
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
      requireSameGround(present.get());
      callbacks(limit).afterUnpatch(present.get(), true);
      return present.get().module();
    }
    makeRoom(name, present, limit);
    try (GuestCalls calls = GuestCalls.open(kernel, nudge)) {
      return new ModuleLoader(kernel, calls, limit).load(name, image);
    }
  }

  /** loaded -> applied: redirects every target, or changes nothing. */
  public SwitchOutcome apply(GuestPatch patch, Duration timeout) {
    return exchange(List.of(), List.of(patch), false, timeout).orElseThrow();
  }

  /**
   * applied, orphaned or failed -> reverted: puts every redirected site back.
   *
   * @return nothing if there was nothing to put back
   */
  public Optional<SwitchOutcome> revert(GuestPatch patch, Duration timeout) {
    return exchange(List.of(patch), List.of(), false, timeout);
  }

  /**
   * Takes some patches out (applied, orphaned or failed -> reverted) and puts others in (loaded or
   * retained -> applied), all in one pause, or changes nothing. Of a module that is gone or was
   * loaded anew nothing is written.
   *
   * @param leaving patches whose functions are put back, each before those that it lies on
   * @param coming loaded patches, each before those that lie on it
   * @param immediate whether tasks may stay inside what those replace that say in their ledgers
   *     that it is so; one that was retained may have been made for another switch
   * @return nothing if there was nothing to change
   * @throws RefusedException with {@link StateRefusal.TextChanged} if a site holds foreign bytes
   */
  public Optional<SwitchOutcome> exchange(
      List<GuestPatch> leaving, List<GuestPatch> coming, boolean immediate, Duration timeout) {
    coming.forEach(patch -> patch.requireNext(PatchState.APPLIED));
    leaving.stream()
        .filter(GuestPatch::isInUse)
        .forEach(patch -> patch.requireNext(PatchState.REVERTED));
    SwitchEdits edits = new SwitchEdits(kernel, leaving, coming, immediate);
    if (edits.isEmpty()) {
      return Optional.empty();
    }
    String purpose = leaving.isEmpty() ? "apply" : coming.isEmpty() ? "revert" : "replace";
    return Optional.of(textSwitch.run(purpose, edits.busy(), edits::now, timeout));
  }

  /**
   * applied -> reverted -> retained: puts every redirected site back although tasks are inside of
   * the replacements. They end there, beside others that run the functions again, so the modules
   * stay; a later revert frees them.
   *
   * @param leaving patches without callbacks, each before those that it lies on
   * @return nothing if there was nothing to put back
   */
  public Optional<SwitchOutcome> withdraw(List<GuestPatch> leaving, Duration timeout) {
    leaving.forEach(patch -> patch.requireNext(PatchState.REVERTED));
    SwitchEdits edits = SwitchEdits.keeping(kernel, leaving);
    return edits.isEmpty()
        ? Optional.empty()
        : Optional.of(textSwitch.run("withdraw", edits.busy(), edits::now, timeout));
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
    Optional<GuestPatch> present = GuestPatch.find(kernel, name);
    present.filter(GuestPatch::isInUse).ifPresent(patch -> patch.requireNext(PatchState.ABSENT));
    present
        .filter(patch -> patch.state() == PatchState.LOADED)
        .ifPresent(patch -> callbacks(limit).afterUnpatch(patch, false));
    try (GuestCalls calls = GuestCalls.open(kernel, nudge)) {
      new ModuleLoader(kernel, calls, limit).unload(name);
    }
  }

  /**
   * The callbacks of patches in this guest.
   *
   * @param limit how long each may wait for a carrier
   */
  public PatchCallbacks callbacks(Duration limit) {
    return new PatchCallbacks(kernel, limit, callbackLimit, nudge);
  }

  /** A retained module can only be taken again where its jumps would lie on what they lay on. */
  private static void requireSameGround(GuestPatch retained) {
    for (GuestPatch.Site site : retained.sites()) {
      if (!site.stack().now().equals(Bytes.of(site.redirect().expected()))) {
        throw new RefusedException(
            new StateRefusal.AlreadyPatched(
                site.target().function(),
                "others than when " + retained.module().name() + " was made"));
      }
    }
  }

  /** A module that an interrupted operation left behind is removed; an applied one is refused. */
  private void makeRoom(String name, Optional<GuestPatch> present, Duration limit) {
    if (present.isPresent() && present.get().state() == PatchState.LOADED) {
      unload(name, limit);
    } else if (present.isPresent()) {
      throw new RefusedException(
          new StateRefusal.AlreadyApplied(
              present.get().ledger().patch(), "its state is " + present.get().state().label()));
    } else if (ModuleLoader.find(kernel, name).isPresent()) {
      throw new RefusedException(
          new StateRefusal.AlreadyApplied(
              name, "a module of that name without a ledger is loaded"));
    }
  }
}
