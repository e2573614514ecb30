package org.lucos.bridge.memory;

import org.lucos.bridge.addr.GuestPhysicalAddress;

/**
 * A run of guest-physical addresses backed by RAM.
 *
 * @param start the first address
 * @param size bytes, more than 0
 */
public record MemoryRegion(GuestPhysicalAddress start, long size) {

  /** The first address after the region. */
  public GuestPhysicalAddress end() {
    return start.plus(size);
  }

  /** Whether {@code size} bytes from {@code address} all lie inside. */
  public boolean covers(GuestPhysicalAddress address, long size) {
    long offset = address.value() - start.value();
    return offset >= 0 && size >= 0 && offset <= this.size - size;
  }
}
