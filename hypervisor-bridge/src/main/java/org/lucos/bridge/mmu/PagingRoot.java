package org.lucos.bridge.mmu;

import org.lucos.bridge.addr.GuestPhysicalAddress;

/**
 * Where a page walk starts.
 *
 * @param table the top-level table, page-aligned
 * @param levels 4 or 5
 * @param addressMask the bits of an entry that hold a physical address; excludes a memory
 *     encryption bit where the guest uses one
 */
public record PagingRoot(GuestPhysicalAddress table, int levels, long addressMask) {
  /** Bits 12 to 51 of an entry: every architectural physical address bit. */
  public static final long ALL_ADDRESS_BITS = 0x000f_ffff_ffff_f000L;

  /** Refuses other depths than x86-64 has, and address bits outside the architectural ones. */
  public PagingRoot {
    if (levels != 4 && levels != 5) {
      throw new IllegalArgumentException("paging levels must be 4 or 5: levels=" + levels);
    }
    if ((addressMask & ~ALL_ADDRESS_BITS) != 0) {
      throw new IllegalArgumentException(
          "not an address mask: addressMask=0x" + Long.toHexString(addressMask));
    }
  }
}
