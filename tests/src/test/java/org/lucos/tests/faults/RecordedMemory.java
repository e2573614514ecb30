package org.lucos.tests.faults;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.lucos.bridge.addr.GuestPhysicalAddress;
import org.lucos.bridge.memory.MemoryRegion;
import org.lucos.bridge.memory.PhysicalMemory;

/** The memory of a real guest; remembers each page that was read, as it was the first time. */
final class RecordedMemory implements PhysicalMemory {
  static final int PAGE = 4096;

  private final PhysicalMemory real;
  private final Map<Long, byte[]> pages = new TreeMap<>();

  RecordedMemory(PhysicalMemory real) {
    this.real = real;
  }

  /** The pages so far, by number. */
  Map<Long, byte[]> pages() {
    return new TreeMap<>(pages);
  }

  @Override
  public List<MemoryRegion> regions() {
    return real.regions();
  }

  @Override
  public void read(GuestPhysicalAddress at, byte[] into, int offset, int length) {
    readAll(List.of(new Slice(at, into, offset, length)));
  }

  @Override
  public void readAll(List<Slice> slices) {
    real.readAll(slices);
    List<Slice> fresh = new ArrayList<>();
    for (Slice slice : slices) {
      long last = slice.at().value() + Math.max(1, slice.length()) - 1;
      for (long page = slice.at().value() / PAGE; page <= last / PAGE; page++) {
        if (!pages.containsKey(page)) {
          byte[] content = new byte[PAGE];
          pages.put(page, content);
          fresh.add(new Slice(new GuestPhysicalAddress(page * PAGE), content, 0, PAGE));
        }
      }
    }
    real.readAll(fresh);
  }

  @Override
  public long epoch() {
    return real.epoch();
  }
}
