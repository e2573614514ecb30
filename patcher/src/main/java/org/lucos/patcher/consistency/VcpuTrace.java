package org.lucos.patcher.consistency;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.lucos.bridge.vcpu.VcpuRegisters;

/**
 * What a stopped vCPU is doing in the kernel.
 *
 * @param vcpu its registers
 * @param task whose kernel stack it is on, or would be on
 * @param user whether it is in user mode, or about to leave or reach it: its registers are the
 *     user's and its kernel stack is empty
 * @param extents the parts of stacks that are in use, innermost first; none in user mode
 * @param problem why this cannot be known just now; task and extents then say nothing
 */
record VcpuTrace(
    VcpuRegisters vcpu,
    @Nullable TaskStack task,
    boolean user,
    List<Extent> extents,
    @Nullable String problem) {

  /**
   * A part of a stack.
   *
   * @param from the stack pointer
   * @param to one past its last byte
   */
  record Extent(long from, long to) {}

  static VcpuTrace unreliable(VcpuRegisters vcpu, String problem) {
    return new VcpuTrace(vcpu, null, false, List.of(), problem);
  }

  Subject subject() {
    return task == null ? new Subject.OfVcpu(vcpu.index()) : task.subject();
  }
}
