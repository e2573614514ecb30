package org.lucos.patcher.guestcall;

import java.util.NavigableSet;
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
    return find(code(kernel));
  }

  /** The number of the other flag, TIF_NOTIFY_SIGNAL: with it a task leaves an idle wait too. */
  static OptionalInt findSignal(RunningKernel kernel) {
    return findSignal(code(kernel));
  }

  private static byte[] code(RunningKernel kernel) {
    KernelSymbol function = kernel.symbols().find("task_work_add").orElse(null);
    if (function == null) {
      return new byte[0];
    }
    AddressRange range = kernel.symbols().range(function);
    return kernel.memory().bytes(range.start(), (int) Math.min(range.size(), 1024));
  }

  static OptionalInt find(byte[] code) {
    NavigableSet<Integer> bits = bits(code);
    return bits.size() == 2 ? OptionalInt.of(bits.first()) : OptionalInt.empty();
  }

  static OptionalInt findSignal(byte[] code) {
    NavigableSet<Integer> bits = bits(code);
    return bits.size() == 2 ? OptionalInt.of(bits.last()) : OptionalInt.empty();
  }

  private static NavigableSet<Integer> bits(byte[] code) {
    NavigableSet<Integer> bits = new TreeSet<>();
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
    return bits;
  }
}
