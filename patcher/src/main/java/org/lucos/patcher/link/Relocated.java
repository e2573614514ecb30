package org.lucos.patcher.link;

import org.lucos.patcher.elf.ElfRelocation;
import org.lucos.patcher.elf.RelocationType;

/** Relocations read backwards: from the bytes of running code to what they refer to. */
final class Relocated {
  private Relocated() {}

  /** Where the symbol must be for a place at an address to hold what it holds. */
  static long symbol(ElfRelocation relocation, byte[] code, int at, long address) {
    RelocationType type = relocation.type();
    long field = word(code, at, type.width());
    boolean signed = type.width() == 4 && type != RelocationType.ABS_32;
    return (signed ? (long) (int) field : field)
        - relocation.addend()
        + (type.isPcRelative() ? address : 0);
  }

  /** Whether a place holds what it must when its symbol is at {@code symbol}. */
  static boolean holds(ElfRelocation relocation, byte[] code, int at, long symbol, long address) {
    int width = relocation.type().width();
    long wanted = relocation.type().value(symbol, relocation.addend(), address);
    long mask = width == 8 ? -1 : (1L << (width * 8)) - 1;
    return ((wanted ^ word(code, at, width)) & mask) == 0;
  }

  private static long word(byte[] code, int at, int width) {
    long value = 0;
    for (int i = width - 1; i >= 0; i--) {
      value = value << 8 | (code[at + i] & 0xff);
    }
    return value;
  }
}
