package org.lucos.bridge.memory;

import java.util.List;
import org.lucos.bridge.addr.GuestPhysicalAddress;

/**
 * A guest's RAM by physical address, readable while the guest runs. Reads race with the guest
 * unless it is paused: words are whole only as far as the host CPU makes them so. Addresses are
 * those that are in the guest's page tables.
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
   * Where that is which the guest itself calls by a physical address. A guest that shares its page
   * tables with the hypervisor (a PV guest of Xen) has other addresses in them than those by which
   * it counts its own pages.
   *
   * @throws MemoryFaultException if the guest tells of no RAM there
   */
  default GuestPhysicalAddress located(GuestPhysicalAddress guests) {
    return guests;
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
