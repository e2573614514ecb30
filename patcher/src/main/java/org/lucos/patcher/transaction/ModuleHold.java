package org.lucos.patcher.transaction;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.bridge.memory.GuestMemory;
import org.lucos.bridge.memory.MemoryFaultException;
import org.lucos.patcher.kernel.Field;
import org.lucos.patcher.kernel.LoadedModule;
import org.lucos.patcher.kernel.RunningKernel;
import org.lucos.patcher.kernel.StructLayout;
import org.lucos.patcher.plan.TextEdit;
import org.lucos.patcher.refusal.RefusedException;
import org.lucos.patcher.refusal.StateRefusal;

/**
 * A reference to a module of the guest, so that the guest cannot unload it: what {@code
 * try_module_get()} and {@code module_put()} (kernel/module/main.c) do to its counter, done in a
 * pause, when nobody else counts.
 */
final class ModuleHold {
  /** What the counter holds while nobody uses the module (MODULE_REF_BASE); 0: it is going. */
  private static final int UNUSED = 1;

  private final GuestMemory memory;
  private final Field counter;
  private final Field name;
  private final Field state;
  private final Field next;
  private final long live;
  private final LoadedModule module;

  ModuleHold(RunningKernel kernel, LoadedModule module) {
    this.memory = kernel.memory();
    StructLayout layout = kernel.types().struct("module");
    this.counter = layout.field("refcnt.counter");
    this.name = layout.field("name");
    this.state = layout.field("state");
    this.next = layout.field("list.next");
    this.live = kernel.types().enumerator("MODULE_STATE_LIVE");
    this.module = module;
  }

  /**
   * The edit that counts so many references more, or less if negative. To be asked for in a pause.
   *
   * @return nothing if the count stays as it is
   * @throws RefusedException {@code ModuleNotLoaded} if the module is gone, or on its way out;
   *     {@code TextChanged} if fewer hold it than are to let go: ours was taken away
   */
  Optional<TextEdit> changedBy(int change) {
    int now = counter();
    if (change < 0 && now + change < UNUSED) {
      throw new RefusedException(
          new StateRefusal.TextChanged(
              "module " + module.name(), "the reference that the patch held is gone"));
    }
    if (change >= 0 && now < UNUSED) {
      throw gone();
    }
    return change == 0 ? Optional.empty() : Optional.of(edit(now, now + change));
  }

  /** The counter, once the module is seen to be the one that was read. */
  private int counter() {
    try {
      GuestVirtualAddress struct = module.struct();
      byte[] expected = (module.name() + "\0").getBytes(StandardCharsets.ISO_8859_1);
      byte[] found = memory.bytes(struct.plus(name.offset()), expected.length);
      // its neighbour in the list of modules knows it: list_del() poisons both ways
      GuestVirtualAddress back = next.readPointer(memory, struct).plus(Long.BYTES);
      if (!Arrays.equals(found, expected)
          || state.read(memory, struct) != live
          || !memory.pointer(back).equals(struct.plus(next.offset()))) {
        throw gone();
      }
      return (int) counter.read(memory, struct);
    } catch (MemoryFaultException e) {
      throw gone();
    }
  }

  private RefusedException gone() {
    return new RefusedException(new StateRefusal.ModuleNotLoaded(List.of(module.name())));
  }

  private TextEdit edit(int before, int after) {
    GuestVirtualAddress at = module.struct().plus(counter.offset());
    return new TextEdit(at, word(before), word(after));
  }

  static byte[] word(int value) {
    return new byte[] {
      (byte) value, (byte) (value >>> 8), (byte) (value >>> 16), (byte) (value >>> 24)
    };
  }
}
