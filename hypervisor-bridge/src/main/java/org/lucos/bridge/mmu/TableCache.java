package org.lucos.bridge.mmu;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.LongBuffer;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.lucos.bridge.addr.GuestPhysicalAddress;
import org.lucos.bridge.memory.PhysicalMemory;

/**
 * Whole page tables, read once and kept until {@link #clear}: in a burst of translations
 * neighbouring walks share nearly all of theirs.
 */
final class TableCache implements PageWalker.Tables {
  /** 16 MiB of tables; more than a burst over any one data structure needs. */
  private static final int MOST_TABLES = 4096;

  private static final int TABLE_BYTES = PageTableEntry.PER_TABLE * PageTableEntry.SIZE;

  private final PhysicalMemory memory;
  private final Map<GuestPhysicalAddress, LongBuffer> tables = new HashMap<>();

  TableCache(PhysicalMemory memory) {
    this.memory = memory;
  }

  void clear() {
    tables.clear();
  }

  @Override
  public Optional<Long> entry(GuestPhysicalAddress table, int index) {
    LongBuffer entries = tables.get(table);
    if (entries == null) {
      if (memory.regions().stream().noneMatch(region -> region.covers(table, TABLE_BYTES))) {
        return Optional.empty();
      }
      if (tables.size() >= MOST_TABLES) {
        tables.clear();
      }
      byte[] bytes = new byte[TABLE_BYTES];
      memory.read(table, bytes, 0, bytes.length);
      entries = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asLongBuffer();
      tables.put(table, entries);
    }
    return Optional.of(entries.get(index));
  }
}
