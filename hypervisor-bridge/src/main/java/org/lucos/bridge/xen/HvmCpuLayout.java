package org.lucos.bridge.xen;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.bridge.vcpu.VcpuRegisters;

/**
 * The registers of a vCPU as Xen saves them for a PVH or HVM guest: {@code struct hvm_hw_cpu} of
 * {@code public/arch-x86/hvm/save.h}, which is part of the format in which guests are saved and
 * therefore only ever grows at its end.
 *
 * <pre>
 *   0  512 octets  fpu_regs        640  u64  rip, rflags
 * 512  u64  rax rbx rcx rdx rbp    656  u64  cr0, cr2, cr3, cr4
 *           rsi rdi rsp r8 .. r15  736  u32  cs_sel
 * 840  u64  gs_base                944  u64  shadow_gs
 * </pre>
 */
final class HvmCpuLayout {
  /** {@code HVM_SAVE_CODE(CPU)}. */
  static final int CODE = 2;

  /** Bytes up to the end of the structure of Xen 4.17; more may follow in later ones. */
  static final int SIZE = 1032;

  private static final int GENERAL = 512;
  private static final int RIP = GENERAL + 16 * Long.BYTES;
  private static final int RFLAGS = RIP + Long.BYTES;
  private static final int CR3 = RFLAGS + 3 * Long.BYTES;
  private static final int CS = 736;
  private static final int GS_BASE = 840;
  private static final int SHADOW_GS = 944;

  /** Where RAX RBX RCX RDX RSI RDI RBP RSP are among Xen's, which has RBP before RSI. */
  private static final List<Integer> ORDER = List.of(0, 1, 2, 3, 5, 6, 4, 7);

  private static final int REGISTERS = 16;
  private static final int RSP = 7;

  private HvmCpuLayout() {}

  /** Reads the structure at {@code at} of a little-endian buffer. */
  static VcpuRegisters read(int vcpu, ByteBuffer bytes, int at) {
    List<Long> general = new ArrayList<>(REGISTERS);
    for (int i = 0; i < REGISTERS; i++) {
      int place = i < ORDER.size() ? ORDER.get(i) : i;
      general.add(bytes.getLong(at + GENERAL + place * Long.BYTES));
    }
    return new VcpuRegisters(
        vcpu,
        new GuestVirtualAddress(bytes.getLong(at + RIP)),
        new GuestVirtualAddress(general.get(RSP)),
        bytes.getLong(at + RFLAGS),
        bytes.getInt(at + CS),
        new GuestVirtualAddress(bytes.getLong(at + GS_BASE)),
        new GuestVirtualAddress(bytes.getLong(at + SHADOW_GS)),
        bytes.getLong(at + CR3),
        general);
  }
}
