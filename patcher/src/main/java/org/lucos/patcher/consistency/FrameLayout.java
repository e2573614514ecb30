package org.lucos.patcher.consistency;

import org.lucos.patcher.kernel.BtfTypes;
import org.lucos.patcher.kernel.StructLayout;

/**
 * Where the kernel keeps registers on its stacks.
 *
 * <p>Source: {@code struct pt_regs} and {@code struct inactive_task_frame} ({@code
 * arch/x86/include/asm/switch_to.h}, pushed by {@code __switch_to_asm}); the offsets come from BTF.
 *
 * @param ip offset in {@code struct pt_regs}; from here to its end is what the CPU itself pushes
 * @param cs offset of the code segment
 * @param sp offset of the stack pointer
 * @param bp offset of RBP
 * @param dx offset of RDX
 * @param di offset of RDI
 * @param r10 offset of R10
 * @param r13 offset of R13
 * @param registersSize bytes of {@code struct pt_regs}
 * @param switchBp offset of RBP in {@code struct inactive_task_frame}
 * @param switchReturn offset of its return address
 * @param switchSize bytes of it
 */
record FrameLayout(
    long ip,
    long cs,
    long sp,
    long bp,
    long dx,
    long di,
    long r10,
    long r13,
    long registersSize,
    long switchBp,
    long switchReturn,
    long switchSize) {

  static FrameLayout of(BtfTypes types) {
    StructLayout registers = types.struct("pt_regs");
    StructLayout switched = types.struct("inactive_task_frame");
    return new FrameLayout(
        registers.offsetOf("ip"),
        registers.offsetOf("cs"),
        registers.offsetOf("sp"),
        registers.offsetOf("bp"),
        registers.offsetOf("dx"),
        registers.offsetOf("di"),
        registers.offsetOf("r10"),
        registers.offsetOf("r13"),
        registers.size(),
        switched.offsetOf("bp"),
        switched.offsetOf("ret_addr"),
        switched.size());
  }

  /** Bytes the CPU pushes by itself on an interrupt. */
  long interruptFrameSize() {
    return registersSize - ip;
  }
}
