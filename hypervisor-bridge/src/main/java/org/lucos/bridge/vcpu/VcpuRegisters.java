package org.lucos.bridge.vcpu;

import java.util.List;
import org.lucos.bridge.addr.GuestVirtualAddress;

/**
 * The registers of a stopped vCPU, as far as patching needs them.
 *
 * @param index the vCPU's number, from 0, as the hypervisor counts
 * @param rip instruction pointer
 * @param rsp stack pointer
 * @param rflags flags
 * @param cs code segment selector; its low two bits are the privilege level
 * @param gsBase base of GS: in kernel mode, the CPU's per-CPU area
 * @param kernelGsBase the other GS base (swapped in by SWAPGS): in user mode, the per-CPU area
 * @param cr3 page-table root in use, with its flag bits
 * @param general RAX RBX RCX RDX RSI RDI RBP RSP R8 to R15, in this order
 */
public record VcpuRegisters(
    int index,
    GuestVirtualAddress rip,
    GuestVirtualAddress rsp,
    long rflags,
    int cs,
    GuestVirtualAddress gsBase,
    GuestVirtualAddress kernelGsBase,
    long cr3,
    List<Long> general) {

  /** Copies the list. */
  public VcpuRegisters {
    general = List.copyOf(general);
  }

  /** Whether the vCPU runs at a user privilege level, so that nothing of it is in the kernel. */
  public boolean inUserMode() {
    return (cs & 3) == 3;
  }
}
