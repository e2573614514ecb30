package org.lucos.bridge.memory;

import java.util.List;
import org.lucos.bridge.addr.GuestPhysicalAddress;

/**
 * A guest's RAM by physical address, readable while the guest runs. Reads race with the guest
 * unless it is paused: words are whole only as far as the host CPU makes them so.
 */
public interface PhysicalMemory {

  /** The RAM regions in ascending order, without overlap. */
  List<MemoryRegion> regions();

  /**
   * Fills {@code length} bytes of {@code into} from {@code offset} on.
   *
   * @throws MemoryFaultException if any byte is not RAM or the guest is gone
   */
  void read(GuestPhysicalAddress at, byte[] into, int offset, int length);

  /**
   * Fills every slice, in as few system calls as the backend can.
   *
   * @throws MemoryFaultException if any byte is not RAM or the guest is gone
   */
  default void readAll(List<Slice> slices) {
    for (Slice slice : slices) {
      read(slice.at(), slice.into(), slice.offset(), slice.length());
    }
  }

  /**
   * A number that changes whenever the guest is stopped or let run through this bridge. What was
   * learnt of the guest's memory in another epoch may no longer hold.
   */
  default long epoch() {
    return 0;
  }

  /** One piece of a vectored read: {@code length} bytes at {@code at} go to {@code into}. */
  @SuppressWarnings("ArrayRecordComponent")
  record Slice(GuestPhysicalAddress at, byte[] into, int offset, int length) {}
}
