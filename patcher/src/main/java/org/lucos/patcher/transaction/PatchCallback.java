package org.lucos.patcher.transaction;

import java.util.ArrayList;
import java.util.List;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.patcher.bytes.MalformedDataException;
import org.lucos.patcher.kernel.KernelSymbol;
import org.lucos.patcher.kernel.LoadedModule;
import org.lucos.patcher.kernel.RunningKernel;

/**
 * A callback of a patch in a guest, and how far it has got: the guest itself writes that down, in
 * the {@code struct lucos_callback} of {@code kernel-patches/include/lucos.h}, so it is true
 * whatever became of the controller.
 *
 * @param entry what the ledger says of it
 * @param run where {@code int run(struct module *)} is
 * @param slot where its {@code struct lucos_callback} is
 * @param progress how far it has got
 * @param result what it returned; 0 for all but {@code pre_patch}
 * @param enabled of {@code post_unpatch}: it is due though there is no {@code pre_patch}
 */
public record PatchCallback(
    Ledger.Callback entry,
    GuestVirtualAddress run,
    GuestVirtualAddress slot,
    Progress progress,
    int result,
    boolean enabled) {
  static final int STATE = 0;
  static final int RESULT = 4;
  static final int ENABLED = 8;

  /** Bytes of the slot that change while it is used. */
  static final int MUTABLE = 12;

  /** How far a callback has got. */
  public enum Progress {
    NOT_RUN,
    BEGUN,
    RETURNED
  }

  /** All callbacks of a patch, in the order of its ledger. */
  public static List<PatchCallback> all(RunningKernel kernel, GuestPatch patch) {
    kernel.memory().forgetTranslations();
    List<PatchCallback> found = new ArrayList<>();
    for (Ledger.Callback entry : patch.ledger().callbacks()) {
      GuestVirtualAddress slot = symbol(patch.module(), entry.slot());
      int state = kernel.memory().i32(slot.plus(STATE));
      if (state < 0 || state >= Progress.values().length) {
        throw new MalformedDataException(
            "callback slot " + entry.slot() + " of module " + patch.module().name(),
            slot.value(),
            "no state of a callback: " + state);
      }
      found.add(
          new PatchCallback(
              entry,
              symbol(patch.module(), entry.run()),
              slot,
              Progress.values()[state],
              kernel.memory().i32(slot.plus(RESULT)),
              kernel.memory().i32(slot.plus(ENABLED)) != 0));
    }
    return found;
  }

  private static GuestVirtualAddress symbol(LoadedModule module, String name) {
    return module.all(name).stream()
        .findFirst()
        .map(KernelSymbol::address)
        .orElseThrow(
            () ->
                new MalformedDataException(
                    "module " + module.name(), 0, "its ledger names " + name + ", which it lacks"));
  }

  /** Whether it has run to its end with success. */
  boolean succeeded() {
    return progress == Progress.RETURNED && result == 0;
  }

  /** For people: {@code pre_patch refuse_if_busy}. */
  @Override
  public String toString() {
    return entry.kind().label() + " " + entry.function();
  }
}
