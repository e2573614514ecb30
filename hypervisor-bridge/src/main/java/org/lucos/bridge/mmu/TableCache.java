package org.lucos.bridge.mmu;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.LongBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.lucos.bridge.addr.GuestPhysicalAddress;
import org.lucos.bridge.memory.MemoryFaultException;
import org.lucos.bridge.memory.PhysicalMemory;

/**
 * Whole page tables, read once and kept until {@link #clear} or {@link #refresh}: in a burst of
 * translations neighbouring walks share nearly all of theirs, and the next burst mostly needs the
 * same.
 */
final class TableCache implements PageWalker.Tables {
  /** 16 MiB of tables; more than a burst over any one data structure needs. */
  private static final int MOST_TABLES = 4096;

  /** So many are read again at once in less time than a few are one after another. */
  private static final int MOST_REFRESHED = 64;

  private static final int TABLE_BYTES = PageTableEntry.PER_TABLE * PageTableEntry.SIZE;

  private final PhysicalMemory memory;
  private final Map<GuestPhysicalAddress, Table> tables = new HashMap<>();
  private boolean overflown;

  /** {@code entries} sees {@code bytes}; {@code again} is for another look at it. */
  @SuppressWarnings("ArrayRecordComponent")
  private record Table(byte[] bytes, LongBuffer entries, PhysicalMemory.Slice again) {
    static Table ofBytes(GuestPhysicalAddress at, byte[] bytes) {
      return new Table(
          bytes,
          ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asLongBuffer(),
          new PhysicalMemory.Slice(at, new byte[TABLE_BYTES], 0, TABLE_BYTES));
    }

    boolean isSame() {
      return Arrays.equals(bytes, again.into());
    }
  }

  TableCache(PhysicalMemory memory) {
    this.memory = memory;
  }

  void clear() {
    overflown = false;
    tables.clear();
  }

  /**
   * Reads all tables that are kept again, in one go, and forgets those that have changed; if they
   * are many, forgets all.
   *
   * @return whether all that were used since {@link #clear} or a change are as they were
   */
  boolean refresh() {
    if (overflown || tables.size() > MOST_REFRESHED) {
      clear();
      return false;
    }
    List<PhysicalMemory.Slice> slices = new ArrayList<>(tables.size());
    tables.values().forEach(table -> slices.add(table.again()));
    try {
      memory.readAll(slices);
    } catch (MemoryFaultException e) {
      clear(); // RAM that a table was in is gone: a walk finds out whether that matters
      return false;
    }
    return !tables.values().removeIf(table -> !table.isSame());
  }

  @Override
  public Optional<Long> entry(GuestPhysicalAddress table, int index) {
    Table known = tables.get(table);
    if (known == null) {
      if (memory.regions().stream().noneMatch(region -> region.covers(table, TABLE_BYTES))) {
        return Optional.empty();
      }
      if (tables.size() >= MOST_TABLES) {
        tables.clear();
        overflown = true; // what was translated with them cannot be vouched for
      }
      byte[] bytes = new byte[TABLE_BYTES];
      memory.read(table, bytes, 0, bytes.length);
      known = Table.ofBytes(table, bytes);
      tables.put(table, known);
    }
    return Optional.of(known.entries.get(index));
  }
}
