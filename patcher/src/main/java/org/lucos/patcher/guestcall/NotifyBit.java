package org.lucos.patcher.guestcall;

import java.util.OptionalInt;
import java.util.TreeSet;
import org.lucos.bridge.addr.AddressRange;
import org.lucos.patcher.kernel.KernelSymbol;
import org.lucos.patcher.kernel.RunningKernel;

/**
 * The number of TIF_NOTIFY_RESUME in {@code thread_info.flags}. It is a C macro and so in no type
 * information; but {@code task_work_add()} sets it, with a locked bit instruction on the first word
 * of a task. That function sets one other flag, TIF_NOTIFY_SIGNAL, whose number is greater on every
 * x86-64 kernel that has both.
 */
final class NotifyBit {
  private NotifyBit() {}

  /** The bit, or nothing if the code is not as expected: then only the borrowed worker is used. */
  static OptionalInt find(RunningKernel kernel) {
    KernelSymbol function = kernel.symbols().find("task_work_add").orElse(null);
    if (function == null) {
      return OptionalInt.empty();
    }
    AddressRange range = kernel.symbols().range(function);
    byte[] code = kernel.memory().bytes(range.start(), (int) Math.min(range.size(), 1024));
    return find(code);
  }

  static OptionalInt find(byte[] code) {
    TreeSet<Integer> bits = new TreeSet<>();
    for (int i = 0; i + 6 < code.length; i++) {
      // A guest with one CPU has its lock prefixes (f0) overwritten by an idle segment prefix (3e).
      if ((code[i] & 0xff) != 0xf0 && code[i] != 0x3e) {
        continue;
      }
      int at = i + 1;
      if ((code[at] & 0xf0) == 0x40) { // REX
        at++;
      }
      // lock bts $imm8, (reg): 0f ba /5 with no displacement
      if (code[at] == 0x0f
          && (code[at + 1] & 0xff) == 0xba
          && (code[at + 2] & 0xf8) == 0x28
          && (code[at + 2] & 7) != 4
          && (code[at + 2] & 7) != 5) {
        bits.add(code[at + 3] & 0x3f);
      }
    }
    return bits.size() == 2 ? OptionalInt.of(bits.first()) : OptionalInt.empty();
  }
}
