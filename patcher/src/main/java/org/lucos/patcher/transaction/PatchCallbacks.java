package org.lucos.patcher.transaction;

import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.lucos.patcher.build.PatchVariant.CallbackKind;
import org.lucos.patcher.guestcall.CallUnfinishedException;
import org.lucos.patcher.guestcall.GuestCalls;
import org.lucos.patcher.guestcall.GuestProgram;
import org.lucos.patcher.guestcall.GuestProgram.Constant;
import org.lucos.patcher.guestcall.Nudge;
import org.lucos.patcher.kernel.LoadedModule;
import org.lucos.patcher.kernel.RunningKernel;
import org.lucos.patcher.refusal.BusyRefusal;
import org.lucos.patcher.refusal.FitRefusal;
import org.lucos.patcher.refusal.RefusedException;
import org.lucos.patcher.transaction.PatchCallback.Progress;

/**
 * Runs a patch's callbacks in the guest, in the order of livepatch (kernel/livepatch/core.c and
 * transition.c): {@code pre_patch}, switch, {@code post_patch}; {@code pre_unpatch}, switch back,
 * {@code post_unpatch}. The last one is owed to every object whose {@code pre_patch} succeeded,
 * also if the patch never got to its switch. None runs twice in a cycle: what has run is read from
 * the guest. Objects whose module is not loaded, or not the one that was patched, have no part in
 * it.
 */
public final class PatchCallbacks {
  private final RunningKernel kernel;
  private final Duration limit;
  private final Nudge nudge;
  private final Duration runLimit;

  /**
   * @param limit how long each may wait for a task to carry it
   * @param runLimit how long each may run
   * @param nudge who in the guest may come to carry them
   */
  public PatchCallbacks(RunningKernel kernel, Duration limit, Duration runLimit, Nudge nudge) {
    this.kernel = kernel;
    this.nudge = nudge;
    this.limit = limit;
    this.runLimit = runLimit;
  }

  /**
   * Runs every {@code pre_patch}, or as many as succeed.
   *
   * @throws RefusedException with {@link FitRefusal.CallbackFailed} for the first that fails
   */
  public void prePatch(GuestPatch patch) {
    for (Map.Entry<String, List<PatchCallback>> object : objects(patch).entrySet()) {
      Optional<PatchCallback> before = of(object.getValue(), CallbackKind.PRE_PATCH);
      if (before.isPresent()) {
        PatchCallback done =
            before.get().progress() == Progress.NOT_RUN ? run(patch, before.get()) : before.get();
        requireEnded(done);
        if (!done.succeeded()) {
          throw new RefusedException(
              new FitRefusal.CallbackFailed(done.entry().function(), place(done), done.result()));
        }
      } else {
        of(object.getValue(), CallbackKind.POST_UNPATCH).ifPresent(this::enable);
      }
    }
  }

  /**
   * Runs every {@code post_patch} that has not run.
   *
   * @return whether any was run
   */
  public boolean postPatch(GuestPatch patch) {
    return runDue(patch, CallbackKind.POST_PATCH);
  }

  /**
   * Runs every {@code pre_unpatch} that has not run; before it, a {@code post_patch} that a
   * controller did not live to run, so that the two always come in pairs.
   */
  public void preUnpatch(GuestPatch patch) {
    awaitOthers(patch);
    postPatch(patch);
    runDue(patch, CallbackKind.PRE_UNPATCH);
  }

  /**
   * A switch back was given up after {@link #preUnpatch}: the patch stays, and {@code post_patch}
   * runs once more, as when a livepatch transition is reversed.
   */
  public void stayPatched(GuestPatch patch) {
    for (List<PatchCallback> object : objects(patch).values()) {
      Optional<PatchCallback> undone = of(object, CallbackKind.PRE_UNPATCH);
      if (undone.isPresent() && undone.get().progress() == Progress.RETURNED) {
        reset(object.stream().filter(c -> !isOfUnpatched(c)).toList());
      }
    }
    postPatch(patch);
  }

  /**
   * Ends the cycle of a patch whose functions are all the kernel's own: {@code post_unpatch} where
   * it is owed.
   *
   * @param staying whether the module may be applied again: its callbacks are then as before their
   *     first run
   */
  public void afterUnpatch(GuestPatch patch, boolean staying) {
    awaitOthers(patch);
    for (List<PatchCallback> object : objects(patch).values()) {
      object.forEach(PatchCallbacks::requireEnded);
      Optional<PatchCallback> last = of(object, CallbackKind.POST_UNPATCH);
      if (last.isPresent() && last.get().progress() == Progress.NOT_RUN && isOwed(object)) {
        requireEnded(run(patch, last.get()));
      }
    }
    if (staying) {
      objects(patch).values().forEach(this::reset);
    }
  }

  /** A callback that another controller left running may be about to end. */
  private void awaitOthers(GuestPatch patch) {
    boolean begun =
        PatchCallback.all(kernel, patch).stream().anyMatch(c -> c.progress() == Progress.BEGUN);
    if (begun) {
      GuestCalls.open(kernel).close();
    }
  }

  private static boolean isOwed(List<PatchCallback> object) {
    Optional<PatchCallback> first = of(object, CallbackKind.PRE_PATCH);
    return first.isPresent()
        ? first.get().succeeded()
        : of(object, CallbackKind.POST_UNPATCH).filter(PatchCallback::enabled).isPresent();
  }

  private static boolean isOfUnpatched(PatchCallback callback) {
    return callback.entry().kind() == CallbackKind.PRE_PATCH
        || callback.entry().kind() == CallbackKind.POST_UNPATCH;
  }

  private boolean runDue(GuestPatch patch, CallbackKind kind) {
    boolean any = false;
    for (List<PatchCallback> object : objects(patch).values()) {
      Optional<PatchCallback> callback = of(object, kind);
      if (callback.isPresent()) {
        boolean due = callback.get().progress() == Progress.NOT_RUN;
        requireEnded(due ? run(patch, callback.get()) : callback.get());
        any |= due;
      }
    }
    return any;
  }

  /** The callbacks of each object that is there, vmlinux first. */
  private Map<String, List<PatchCallback>> objects(GuestPatch patch) {
    Map<String, List<PatchCallback>> objects = new LinkedHashMap<>();
    List<PatchCallback> all = PatchCallback.all(kernel, patch);
    all.stream()
        .map(callback -> callback.entry().module())
        .distinct()
        .sorted()
        .filter(module -> module.isEmpty() || patch.moduleNow(kernel, module).isPresent())
        .forEach(
            module ->
                objects.put(
                    module, all.stream().filter(c -> c.entry().module().equals(module)).toList()));
    return objects;
  }

  private static Optional<PatchCallback> of(List<PatchCallback> object, CallbackKind kind) {
    return object.stream().filter(callback -> callback.entry().kind() == kind).findFirst();
  }

  private PatchCallback run(GuestPatch patch, PatchCallback callback) {
    long module =
        patch
            .moduleNow(kernel, callback.entry().module())
            .map(LoadedModule::struct)
            .map(struct -> struct.value())
            .orElse(0L);
    GuestProgram.Builder program = GuestProgram.named("callback " + callback);
    program.call(callback.run(), new Constant(module));
    try (GuestCalls calls = GuestCalls.open(kernel, nudge)) {
      calls.call(program.build(), limit, runLimit);
    } catch (CallUnfinishedException e) {
      throw unfinished(callback, "it began, and goes on in " + e.carrier(), e);
    } catch (RefusedException e) {
      throw e.refusal() instanceof BusyRefusal.NoCarrier
          ? unfinished(callback, e.refusal().message(), e)
          : e;
    }
    return PatchCallback.all(kernel, patch).stream()
        .filter(now -> now.slot().equals(callback.slot()))
        .findFirst()
        .orElseThrow();
  }

  private void enable(PatchCallback callback) {
    fill(List.of(callback), PatchCallback.ENABLED, 1, 1);
  }

  /** Has the guest forget that the callbacks ran. */
  private void reset(List<PatchCallback> callbacks) {
    List<PatchCallback> used =
        callbacks.stream().filter(c -> c.progress() != Progress.NOT_RUN || c.enabled()).toList();
    if (!used.isEmpty()) {
      fill(used, PatchCallback.STATE, 0, PatchCallback.MUTABLE);
    }
  }

  private void fill(List<PatchCallback> callbacks, int offset, int value, int size) {
    GuestProgram.Builder program = GuestProgram.named("callback slots");
    for (PatchCallback callback : callbacks) {
      program.call(
          kernel.symbols().address("memset"),
          new Constant(callback.slot().plus(offset).value()),
          new Constant(value),
          new Constant(size));
    }
    try (GuestCalls calls = GuestCalls.open(kernel, nudge)) {
      calls.call(program.build(), limit);
    }
  }

  private static void requireEnded(PatchCallback callback) {
    if (callback.progress() == Progress.BEGUN) {
      throw unfinished(callback, "it began, and has not returned", null);
    }
  }

  private static RefusedException unfinished(
      PatchCallback callback, String detail, @Nullable Throwable cause) {
    BusyRefusal refusal =
        new BusyRefusal.CallbackUnfinished(callback.entry().function(), place(callback), detail);
    return cause == null ? new RefusedException(refusal) : new RefusedException(refusal, cause);
  }

  private static String place(PatchCallback callback) {
    String module = callback.entry().module();
    return callback.entry().kind().label() + " of " + (module.isEmpty() ? "vmlinux" : module);
  }
}
