package org.lucos.bridge.mmu;

import org.lucos.bridge.addr.GuestPhysicalAddress;

/** Builds page tables in an {@link ArrayMemory}, table after table from 64 KiB on. */
final class PageTables {
  static final long PRESENT = 1;
  static final long WRITE = 2;
  static final long USER = 4;
  static final long LARGE = 0x80;
  static final long NX = 1L << 63;

  final ArrayMemory memory;
  final PagingRoot root;
  private final int levels;
  private long nextTable = 0x10000;

  PageTables(ArrayMemory memory, int levels) {
    this.memory = memory;
    this.levels = levels;
    this.root =
        new PagingRoot(new GuestPhysicalAddress(newTable()), levels, PagingRoot.ALL_ADDRESS_BITS);
  }

  /** Maps {@code virtual} by {@code entry} (address and flags) in the table of {@code level}. */
  void map(long virtual, int level, long entry) {
    memory.put64(slot(virtual, level), entry);
  }

  /** Where the entry for {@code virtual} in the table of {@code level} lies. */
  long slot(long virtual, int level) {
    long table = root.table().value();
    for (int at = levels; at > level; at--) {
      long slot = table + 8L * PageTableEntry.index(virtual, at);
      long entry = read(slot);
      if ((entry & PRESENT) == 0) {
        entry = newTable() | PRESENT | WRITE | USER;
        memory.put64(slot, entry);
      }
      table = entry & PagingRoot.ALL_ADDRESS_BITS;
    }
    return table + 8L * PageTableEntry.index(virtual, level);
  }

  private long newTable() {
    nextTable += 0x1000;
    return nextTable - 0x1000;
  }

  private long read(long at) {
    byte[] bytes = new byte[8];
    memory.read(new GuestPhysicalAddress(at), bytes, 0, 8);
    memory.reads.clear();
    long value = 0;
    for (int i = 7; i >= 0; i--) {
      value = (value << 8) | (bytes[i] & 0xff);
    }
    return value;
  }
}
