package org.lucos.bridge.mmu;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Optional;
import org.lucos.bridge.addr.GuestPhysicalAddress;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.bridge.memory.PhysicalMemory;

/**
 * Walks the page tables of a guest as its CPU would. A walk takes at most as many steps as there
 * are levels, whatever the tables hold. Source: Intel SDM volume 3A, section 4.5.
 */
public final class PageWalker {

  /** Where the entries of a walk come from. */
  @FunctionalInterface
  interface Tables {
    /** The entry at {@code index} of the table at {@code table}; empty if that is not RAM. */
    Optional<Long> entry(GuestPhysicalAddress table, int index);
  }

  private final Tables tables;
  private final PagingRoot root;

  /** Walks from {@code root}, reading each entry from {@code memory} when it is needed. */
  public PageWalker(PhysicalMemory memory, PagingRoot root) {
    this(uncached(memory), root);
  }

  PageWalker(Tables tables, PagingRoot root) {
    this.tables = tables;
    this.root = root;
  }

  /**
   * Where {@code address} is in physical memory.
   *
   * @return empty if the address is not canonical, not mapped, mapped by an entry with reserved
   *     bits set, or if a table on the way is not in RAM
   * @throws org.lucos.bridge.memory.MemoryFaultException if the guest is gone
   */
  public Optional<Translation> translate(GuestVirtualAddress address) {
    long virtual = address.value();
    if (!canonical(virtual)) {
      return Optional.empty();
    }
    GuestPhysicalAddress table = root.table();
    boolean writable = true;
    boolean user = true;
    boolean noExecute = false;
    for (int level = root.levels(); level >= 1; level--) {
      Optional<Long> read = tables.entry(table, PageTableEntry.index(virtual, level));
      if (read.isEmpty() || (read.get() & PageTableEntry.PRESENT) == 0) {
        return Optional.empty();
      }
      long entry = read.get();
      writable &= (entry & PageTableEntry.WRITABLE) != 0;
      user &= (entry & PageTableEntry.USER) != 0;
      noExecute |= (entry & PageTableEntry.NO_EXECUTE) != 0;
      boolean large = level > 1 && (entry & PageTableEntry.LARGE) != 0;
      if (large && level > 3) {
        return Optional.empty();
      }
      if (level == 1 || large) {
        return page(virtual, entry, level, writable, user, noExecute);
      }
      table = new GuestPhysicalAddress(entry & root.addressMask());
    }
    throw new AssertionError("level 1 always ends the walk");
  }

  private Optional<Translation> page(
      long virtual, long entry, int level, boolean writable, boolean user, boolean noExecute) {
    long size = PageTableEntry.span(level);
    long frame = entry & root.addressMask();
    if (level > 1) {
      frame &= ~PageTableEntry.LARGE_PAT;
    }
    if ((frame & (size - 1)) != 0) {
      return Optional.empty(); // reserved bits: the CPU would fault
    }
    return Optional.of(
        new Translation(
            new GuestPhysicalAddress(frame | (virtual & (size - 1))),
            size,
            writable,
            user,
            noExecute));
  }

  /** Whether all bits above the translated ones equal the highest translated one. */
  private boolean canonical(long virtual) {
    int unused = 64 - PageTableEntry.PAGE_SHIFT - PageTableEntry.INDEX_BITS * root.levels();
    return virtual << unused >> unused == virtual;
  }

  private static Tables uncached(PhysicalMemory memory) {
    return (table, index) -> {
      GuestPhysicalAddress at = table.plus((long) index * PageTableEntry.SIZE);
      if (memory.regions().stream().noneMatch(r -> r.covers(at, PageTableEntry.SIZE))) {
        return Optional.empty();
      }
      byte[] entry = new byte[PageTableEntry.SIZE];
      memory.read(at, entry, 0, entry.length);
      return Optional.of(ByteBuffer.wrap(entry).order(ByteOrder.LITTLE_ENDIAN).getLong());
    };
  }
}
