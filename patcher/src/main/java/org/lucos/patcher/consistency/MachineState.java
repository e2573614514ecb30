package org.lucos.patcher.consistency;

import org.jspecify.annotations.Nullable;
import org.lucos.bridge.vcpu.VcpuRegisters;

/**
 * Where a backtrace starts.
 *
 * @param ip the innermost instruction
 * @param sp its stack pointer
 * @param bp its RBP
 * @param interrupted whether {@code ip} runs next, rather than being where a call returns to
 * @param scratch the registers that unwind data may ask for, where they are known
 */
record MachineState(long ip, long sp, long bp, boolean interrupted, @Nullable Scratch scratch) {

  /** Registers that a calling frame does not keep; {@code bp} is repeated for interrupted code. */
  record Scratch(long dx, long di, long r10, long r13, long bp) {}

  private static final int DX = 3;
  private static final int DI = 5;
  private static final int BP = 6;
  private static final int R10 = 10;
  private static final int R13 = 13;

  /** A stopped vCPU. */
  static MachineState of(VcpuRegisters vcpu) {
    long bp = general(vcpu, BP);
    return new MachineState(
        vcpu.rip().value(),
        vcpu.rsp().value(),
        bp,
        true,
        new Scratch(
            general(vcpu, DX), general(vcpu, DI), general(vcpu, R10), general(vcpu, R13), bp));
  }

  private static long general(VcpuRegisters vcpu, int index) {
    return vcpu.general().get(index);
  }
}
