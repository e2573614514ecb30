package org.lucos.bench.micro;

import java.util.HashMap;
import java.util.Map;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.bridge.memory.GuestMemory;

/**
 * A guest's memory of which each range is read once and kept: what reads the same again is measured
 * without the guest. A read from here is one copy.
 */
final class RecordedMemory implements GuestMemory {
  private final GuestMemory memory;
  private final Map<Range, byte[]> kept = new HashMap<>();

  private record Range(GuestVirtualAddress at, int length) {}

  RecordedMemory(GuestMemory memory) {
    this.memory = memory;
  }

  @Override
  public void read(GuestVirtualAddress at, byte[] into, int offset, int length) {
    byte[] known =
        kept.computeIfAbsent(new Range(at, length), range -> memory.bytes(at, range.length));
    System.arraycopy(known, 0, into, offset, length);
  }

  /** How many bytes are kept. */
  long bytes() {
    return kept.values().stream().mapToLong(each -> each.length).sum();
  }
}
