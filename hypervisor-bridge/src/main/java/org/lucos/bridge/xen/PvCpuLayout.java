package org.lucos.bridge.xen;

import java.nio.ByteBuffer;
import java.util.List;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.bridge.vcpu.VcpuRegisters;

/**
 * The registers of a vCPU of a PV guest: {@code struct vcpu_guest_context} of {@code
 * public/arch-x86/xen.h}, which guests use themselves to start vCPUs and which therefore stays as
 * it is.
 *
 * <pre>
 *  512  u64  flags                             648  u64  rip
 *  520  u64  r15 r14 r13 r12 rbp rbx r11 r10   656  u16  cs
 *            r9 r8 rax rcx rdx rsi rdi         664  u64  rflags, rsp
 * 4984  u64  cr0 .. cr7                       5152  u64  gs_base_kernel, gs_base_user
 * </pre>
 *
 * <p>The guest's kernel runs in ring 3 as its programs do. What it sees of itself is ring 0, and so
 * does who reads this.
 */
final class PvCpuLayout {
  static final int SIZE = 5168;

  private static final int FLAGS = 512;
  private static final int GENERAL = 520;
  private static final int RIP = 648;
  private static final int CS = 656;
  private static final int RFLAGS = 664;
  private static final int RSP = 672;
  private static final int CR3 = 4984 + 3 * Long.BYTES;
  private static final int KERNEL_GS_BASE = 5152;
  private static final int USER_GS_BASE = 5160;

  /** {@code VGCF_in_kernel}. */
  private static final int IN_KERNEL = 1 << 2;

  private static final int RING = 3;

  /** Where RAX RBX RCX RDX RSI RDI RBP RSP R8 to R15 are, in words from R15 on. */
  private static final List<Integer> ORDER =
      List.of(10, 5, 11, 12, 13, 14, 4, (RSP - GENERAL) / Long.BYTES, 9, 8, 7, 6, 3, 2, 1, 0);

  private PvCpuLayout() {}

  /** Reads the structure at {@code at} of a little-endian buffer. */
  static VcpuRegisters read(int vcpu, ByteBuffer bytes, int at) {
    boolean kernel = (bytes.getLong(at + FLAGS) & IN_KERNEL) != 0;
    int cs = Short.toUnsignedInt(bytes.getShort(at + CS));
    GuestVirtualAddress kernelsBase = address(bytes, at + KERNEL_GS_BASE);
    GuestVirtualAddress usersBase = address(bytes, at + USER_GS_BASE);
    return new VcpuRegisters(
        vcpu,
        address(bytes, at + RIP),
        address(bytes, at + RSP),
        bytes.getLong(at + RFLAGS),
        kernel ? cs & ~RING : cs | RING,
        kernel ? kernelsBase : usersBase,
        kernel ? usersBase : kernelsBase,
        bytes.getLong(at + CR3),
        ORDER.stream().map(word -> bytes.getLong(at + GENERAL + word * Long.BYTES)).toList());
  }

  private static GuestVirtualAddress address(ByteBuffer bytes, int at) {
    return new GuestVirtualAddress(bytes.getLong(at));
  }
}
