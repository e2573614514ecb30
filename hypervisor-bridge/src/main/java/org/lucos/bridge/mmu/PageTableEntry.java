package org.lucos.bridge.mmu;

/**
 * The bits of an x86-64 paging-structure entry, as far as a walk needs them. Source: Intel SDM
 * volume 3A, section 4.5, tables 4-14 to 4-20.
 */
final class PageTableEntry {
  static final int SIZE = 8;
  static final int PER_TABLE = 512;
  static final int INDEX_BITS = 9;
  static final int PAGE_SHIFT = 12;

  static final long PRESENT = 1L;
  static final long WRITABLE = 1L << 1;
  static final long USER = 1L << 2;

  /** In levels 2 and 3: the entry maps a page instead of pointing at a table. */
  static final long LARGE = 1L << 7;

  static final long NO_EXECUTE = 1L << 63;

  /** In an entry that maps a large page, this is PAT and no address bit. */
  static final long LARGE_PAT = 1L << 12;

  private PageTableEntry() {}

  /** Bytes that one entry of {@code level} (1 is the lowest) spans. */
  static long span(int level) {
    return 1L << shift(level);
  }

  /** Which entry of its table at {@code level} translates {@code virtual}. */
  static int index(long virtual, int level) {
    return (int) (virtual >>> shift(level)) & (PER_TABLE - 1);
  }

  private static int shift(int level) {
    return PAGE_SHIFT + INDEX_BITS * (level - 1);
  }
}
