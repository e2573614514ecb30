package org.lucos.bridge.mmu;

import org.lucos.bridge.addr.GuestPhysicalAddress;

/**
 * What a page walk found for one virtual address.
 *
 * @param address the physical address of exactly the virtual address asked for
 * @param pageSize the size of the page it lies in: 4 KiB, 2 MiB or 1 GiB, in bytes
 * @param writable whether every level allows writing
 * @param user whether every level allows user mode
 * @param noExecute whether any level forbids execution
 */
public record Translation(
    GuestPhysicalAddress address,
    long pageSize,
    boolean writable,
    boolean user,
    boolean noExecute) {}
