package org.lucos.patcher.consistency;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.bridge.memory.GuestMemory;
import org.lucos.bridge.memory.MemoryFaultException;
import org.lucos.bridge.vcpu.VcpuRegisters;

/**
 * Follows a stopped vCPU from its stack pointer through interrupt and exception stacks to the task
 * it runs on.
 *
 * <p>The stack a vCPU is on, not {@code current_task}, says whose it is: in a context switch the
 * stack pointer moves first. A task whose stack no vCPU is on has its stack pointer saved, also in
 * the middle of a switch: {@code __switch_to_asm} saves before it moves.
 *
 * <p>GS tells which CPU a vCPU is. In the few instructions of entry code around SWAPGS, and before
 * the kernel has set its own stack pointer, registers still hold what user mode chose, and the
 * task's kernel stack is empty. What user mode could have chosen to deceive is called unreliable.
 */
final class VcpuTracer {
  private static final int MOST_STACKS = 8;
  private static final long USER = 3;

  private final GuestMemory memory;
  private final CpuLayout cpus;
  private final FrameLayout frames;

  /** Finds tasks by their stack and by their {@code task_struct}. */
  interface Tasks {
    @Nullable TaskStack byStack(long stackPointer);

    TaskStack byStruct(long task);
  }

  VcpuTracer(GuestMemory memory, CpuLayout cpus, FrameLayout frames) {
    this.memory = memory;
    this.cpus = cpus;
    this.frames = frames;
  }

  /** Whether this vCPU has never run anything since reset: the guest has not started it. */
  static boolean neverStarted(VcpuRegisters vcpu) {
    return vcpu.cr3() == 0
        && !vcpu.rip().isKernel()
        && vcpu.gsBase().isNull()
        && vcpu.kernelGsBase().isNull();
  }

  /** The CPU that a vCPU is, if its registers leave no doubt. */
  Optional<CpuArea> cpuOf(VcpuRegisters vcpu, List<CpuArea> areas) {
    Optional<CpuArea> byGs = byBase(vcpu.gsBase(), areas);
    Optional<CpuArea> byKernelGs = byBase(vcpu.kernelGsBase(), areas);
    if (vcpu.inUserMode()) {
      // user mode may have put anything into its own GS base, also a kernel address
      return byKernelGs;
    }
    if (byGs.isPresent()) {
      return byKernelGs.isEmpty() || byKernelGs.equals(byGs) ? byGs : Optional.empty();
    }
    return inEntryText(vcpu) ? byKernelGs : Optional.empty();
  }

  private boolean inEntryText(VcpuRegisters vcpu) {
    return cpus.entryText().contains(vcpu.rip());
  }

  /** Whether the kernel has not yet, or no longer, made anything of its own. */
  private boolean holdsUserRegisters(VcpuRegisters vcpu, CpuArea cpu) {
    boolean userGs = vcpu.gsBase().value() != cpu.base();
    return vcpu.inUserMode() || (inEntryText(vcpu) && (userGs || !vcpu.rsp().isKernel()));
  }

  private static Optional<CpuArea> byBase(GuestVirtualAddress base, List<CpuArea> areas) {
    return areas.stream().filter(area -> area.base() == base.value()).findFirst();
  }

  /** Follows one vCPU. Reads guest memory; a fault makes the vCPU unreliable. */
  VcpuTrace trace(VcpuRegisters vcpu, CpuArea cpu, Tasks tasks) {
    try {
      return new Chase(vcpu, cpu, tasks).run();
    } catch (MemoryFaultException e) {
      return VcpuTrace.unreliable(vcpu, "its stack cannot be read: " + e.getMessage());
    }
  }

  private final class Chase {
    private final VcpuRegisters vcpu;
    private final CpuArea cpu;
    private final Tasks tasks;
    private final TaskStack current;
    private final List<VcpuTrace.Extent> extents = new ArrayList<>();

    Chase(VcpuRegisters vcpu, CpuArea cpu, Tasks tasks) {
      this.vcpu = vcpu;
      this.cpu = cpu;
      this.tasks = tasks;
      this.current = tasks.byStruct(perCpu(cpus.currentTask()));
    }

    VcpuTrace run() {
      if (holdsUserRegisters(vcpu, cpu)) {
        return new VcpuTrace(vcpu, current, true, List.of(), null);
      }
      long sp = vcpu.rsp().value();
      for (int i = 0; i < MOST_STACKS; i++) {
        if ((sp & 7) != 0) {
          return lost("its stack pointer is odd: 0x" + Long.toHexString(sp));
        }
        TaskStack owner = current.holds(sp) ? current : tasks.byStack(sp);
        if (owner != null) {
          add(sp, owner.top());
          return onTask(owner);
        }
        VcpuTrace.Extent extent = extent(sp);
        if (extent == null) {
          return lost("its stack pointer is on no known stack: 0x" + Long.toHexString(sp));
        }
        if (extents.stream().anyMatch(seen -> seen.to() == extent.to())) {
          return lost("it is on one stack twice");
        }
        extents.add(extent);
        if (extent.to() == entryBottom() + cpus.entryStackSize()) {
          // used between user mode and the task's stack only, which is empty then
          return found(current);
        }
        if (extent.to() == perCpu(cpus.irqStack()) + 8) {
          sp = word(extent.to() - 8);
          continue;
        }
        long pushed = extent.to() - frames.interruptFrameSize();
        if ((word(pushed + frames.cs() - frames.ip()) & USER) == USER) {
          return found(current);
        }
        sp = word(pushed + frames.sp() - frames.ip());
      }
      return lost("too many stacks");
    }

    private VcpuTrace onTask(TaskStack owner) {
      return inEntryText(vcpu) && owner.task() != current.task()
          ? lost("it is entering or leaving the kernel")
          : found(owner);
    }

    /** The used part of the special stack that holds {@code sp}. */
    private VcpuTrace.@Nullable Extent extent(long sp) {
      long irqTop = perCpu(cpus.irqStack());
      if (within(sp, irqTop + 8 - cpus.irqStackSize(), irqTop)) {
        // the topmost word holds the stack pointer of what was interrupted
        return new VcpuTrace.Extent(sp, irqTop + 8);
      }
      long stacks = perCpu(cpus.exceptionStacks());
      for (CpuLayout.ExceptionStack stack : cpus.exceptions()) {
        long bottom = stacks + stack.offset();
        long top = bottom + stack.size();
        if (stacks != 0 && stack.isPlain() && within(sp, bottom, top - 8)) {
          // what the CPU itself pushed must be there
          return within(sp, bottom, top - frames.interruptFrameSize())
              ? new VcpuTrace.Extent(sp, top)
              : null;
        }
      }
      long entryTop = entryBottom() + cpus.entryStackSize();
      return within(sp, entryBottom(), entryTop) ? new VcpuTrace.Extent(sp, entryTop) : null;
    }

    private long entryBottom() {
      return perCpu(cpus.exceptionStacks()) + cpus.entryStack();
    }

    private void add(long from, long to) {
      extents.add(new VcpuTrace.Extent(from, to));
    }

    private VcpuTrace found(TaskStack owner) {
      return new VcpuTrace(vcpu, owner, false, List.copyOf(extents), null);
    }

    private VcpuTrace lost(String problem) {
      return VcpuTrace.unreliable(vcpu, problem);
    }

    private long perCpu(long variable) {
      return word(cpu.base() + variable);
    }
  }

  private static boolean within(long value, long from, long last) {
    return Long.compareUnsigned(value - from, last - from) <= 0;
  }

  private long word(long at) {
    return memory.u64(new GuestVirtualAddress(at));
  }
}
