package org.lucos.patcher.consistency;

import static org.assertj.core.api.Assertions.assertThat;
import static org.lucos.patcher.consistency.SyntheticGuest.ENTRY_TEXT;
import static org.lucos.patcher.consistency.SyntheticGuest.KERNEL_CS;
import static org.lucos.patcher.consistency.SyntheticGuest.TEXT;
import static org.lucos.patcher.consistency.SyntheticGuest.USER_CS;
import static org.lucos.patcher.consistency.SyntheticGuest.base;
import static org.lucos.patcher.consistency.SyntheticGuest.entryTop;
import static org.lucos.patcher.consistency.SyntheticGuest.irqTop;
import static org.lucos.patcher.consistency.SyntheticGuest.nmiTop;
import static org.lucos.patcher.consistency.SyntheticGuest.vcTop;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.lucos.bridge.vcpu.VcpuRegisters;
import org.lucos.patcher.consistency.VcpuTrace.Extent;

class VcpuTracerTest {
  private final SyntheticGuest guest = new SyntheticGuest();
  private final TaskStack idle = guest.tasks.get(0);
  private final TaskStack other = guest.task(5, "other");

  private final VcpuTracer tracer =
      new VcpuTracer(guest.memory, guest.layouts().cpus(), SyntheticGuest.frames());

  private VcpuTrace trace(VcpuRegisters vcpu) {
    CpuArea cpu = tracer.cpuOf(vcpu, guest.cpus()).orElseThrow();
    return tracer.trace(
        vcpu,
        cpu,
        new VcpuTracer.Tasks() {
          @Override
          public @Nullable TaskStack byStack(long stackPointer) {
            return guest.tasks.stream()
                .filter(task -> task.holds(stackPointer))
                .findFirst()
                .orElse(null);
          }

          @Override
          public TaskStack byStruct(long task) {
            return guest.task(task);
          }
        });
  }

  private void interrupted(long top, long cs, long sp) {
    guest.memory.putAll(top - 40, TEXT + 0x10, cs, 0x246, sp, 0x18);
  }

  @Test
  void inUserModeNothingOfTheStackIsInUse() {
    VcpuTrace trace = trace(guest.user(0));
    assertThat(trace.task()).isEqualTo(idle);
    assertThat(trace.extents()).isEmpty();
  }

  @Test
  void onATaskStackItIsInUseUpToTheTop() {
    VcpuTrace trace = trace(guest.inKernel(0, TEXT, idle.top() - 0x80));
    assertThat(trace.extents()).containsExactly(new Extent(idle.top() - 0x80, idle.top()));
  }

  @Test
  void theStackAndNotTheCurrentTaskSaysWhoseItIs() {
    VcpuTrace trace = trace(guest.inKernel(0, TEXT, other.top() - 0x80));
    assertThat(trace.task()).isEqualTo(other);
  }

  @Test
  void theTopOfAStackIsAnEmptyStack() {
    VcpuTrace trace = trace(guest.inKernel(0, ENTRY_TEXT, idle.top()));
    assertThat(trace.task()).isEqualTo(idle);
  }

  @Test
  void anInterruptStackLeadsToTheTaskItInterrupted() {
    guest.memory.put(irqTop(0), other.top() - 0x300);
    VcpuTrace trace = trace(guest.inKernel(0, TEXT, irqTop(0) - 0x90));
    assertThat(trace.task()).isEqualTo(other);
    assertThat(trace.extents())
        .containsExactly(
            new Extent(irqTop(0) - 0x90, irqTop(0) + 8),
            new Extent(other.top() - 0x300, other.top()));
  }

  @Test
  void anNmiDuringAnInterruptPassesThreeStacks() {
    guest.memory.put(irqTop(0), idle.top() - 0x300);
    interrupted(nmiTop(0), KERNEL_CS, irqTop(0) - 0x40);
    VcpuTrace trace = trace(guest.inKernel(0, TEXT, nmiTop(0) - 0x100));
    assertThat(trace.task()).isEqualTo(idle);
    assertThat(trace.extents())
        .extracting(Extent::from)
        .containsExactly(nmiTop(0) - 0x100, irqTop(0) - 0x40, idle.top() - 0x300);
  }

  @Test
  void anNmiFromUserModeLeavesTheTaskStackEmpty() {
    interrupted(nmiTop(0), USER_CS, 0x7fff_0000);
    VcpuTrace trace = trace(guest.inKernel(0, TEXT, nmiTop(0) - 0x100));
    assertThat(trace.task()).isEqualTo(idle);
    assertThat(trace.extents()).containsExactly(new Extent(nmiTop(0) - 0x100, nmiTop(0)));
  }

  @Test
  void anNmiInAnNmiIsUnreliable() {
    interrupted(nmiTop(0), KERNEL_CS, nmiTop(0) - 0x200);
    assertThat(trace(guest.inKernel(0, TEXT, nmiTop(0) - 0x400)).problem())
        .contains("one stack twice");
  }

  @Test
  void anExceptionStackWithoutItsFrameIsUnreliable() {
    assertThat(trace(guest.inKernel(0, TEXT, nmiTop(0) - 0x10)).problem())
        .contains("no known stack");
  }

  @Test
  void stacksThatMoveTheirFrameAreUnreliable() {
    interrupted(vcTop(0), KERNEL_CS, idle.top() - 0x100);
    assertThat(trace(guest.inKernel(0, TEXT, vcTop(0) - 0x100)).problem())
        .contains("no known stack");
  }

  @Test
  void theEntryStackMeansAnEmptyTaskStack() {
    VcpuTrace trace = trace(guest.inKernel(0, ENTRY_TEXT, entryTop(0) - 0x28));
    assertThat(trace.task()).isEqualTo(idle);
    assertThat(trace.extents()).hasSize(1);
  }

  @Test
  void withTheUsersStackPointerTheKernelHasNotBegun() {
    VcpuTrace trace = trace(guest.inKernel(0, ENTRY_TEXT, 0x7fff_0000));
    assertThat(trace.task()).isEqualTo(idle);
    assertThat(trace.user()).isTrue();
    assertThat(trace.extents()).isEmpty();
  }

  @Test
  void aUserStackPointerElsewhereInTheKernelIsUnreliable() {
    assertThat(trace(guest.inKernel(0, TEXT, 0x7fff_0000)).problem()).contains("no known stack");
  }

  @Test
  void inEntryCodeAnothersStackIsNotBelieved() {
    assertThat(trace(guest.inKernel(0, ENTRY_TEXT + 8, other.top() - 0x80)).problem())
        .contains("entering or leaving");
    guest.memory.put(irqTop(0), other.top() - 0x300);
    assertThat(trace(guest.inKernel(0, ENTRY_TEXT + 8, irqTop(0) - 0x80)).problem())
        .contains("entering or leaving");
  }

  @Test
  void anOddStackPointerIsUnreliable() {
    assertThat(trace(guest.inKernel(0, TEXT, idle.top() - 0x81)).problem()).contains("odd");
  }

  @Test
  void anUnreadableStackIsUnreliable() {
    interrupted(nmiTop(0), KERNEL_CS, idle.top() - 0x100);
    guest.memory.unmap(nmiTop(0) - 8);
    assertThat(trace(guest.inKernel(0, TEXT, nmiTop(0) - 0x1800)).problem())
        .contains("cannot be read");
  }

  @Test
  void userModeMayChooseItsOwnGsBase() {
    VcpuRegisters pretending =
        SyntheticGuest.vcpu(0, 0x401000, 0x7fff_0000, 0x33, base(1), base(0));
    assertThat(tracer.cpuOf(pretending, guest.cpus())).map(CpuArea::number).hasValue(0);
  }

  @Test
  void beforeSwapgsTheKernelHasNotBegun() {
    long chosenByUser = other.top() - 0x80;
    VcpuTrace trace =
        trace(SyntheticGuest.vcpu(0, ENTRY_TEXT, chosenByUser, 0x10, 0x1234, base(0)));
    assertThat(trace.task()).isEqualTo(idle);
    assertThat(trace.user()).isTrue();
    assertThat(trace.extents()).isEmpty();
  }

  @Test
  void whoeverChoosesTheGsBaseOfAnotherCpuIsNotBelieved() {
    VcpuRegisters both = SyntheticGuest.vcpu(0, ENTRY_TEXT, 0x7fff_0000, 0x10, base(1), base(0));
    VcpuRegisters elsewhere = SyntheticGuest.vcpu(0, TEXT, idle.top() - 8, 0x10, 0, base(0));
    assertThat(tracer.cpuOf(both, guest.cpus())).isEmpty();
    assertThat(tracer.cpuOf(elsewhere, guest.cpus())).isEmpty();
  }
}
