package org.lucos.patcher.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.List;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.lucos.bridge.addr.GuestPhysicalAddress;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.bridge.memory.MemoryFaultException;
import org.lucos.bridge.memory.MemoryRegion;
import org.lucos.bridge.memory.PhysicalMemory;
import org.lucos.bridge.vcpu.VcpuRegisters;
import org.lucos.patcher.refusal.GuestRefusal;
import org.lucos.patcher.refusal.Refusal;
import org.lucos.patcher.refusal.RefusedException;

/** A guest that reboots under the hands of a controller is noticed before it is written. */
class BootIdentityTest {
  @TempDir private Path cache;

  private final SyntheticKernel guest = new SyntheticKernel();

  private RunningKernel attach() {
    return RunningKernel.attach(new FakeDomain("guest", guest), cache);
  }

  private static Refusal refusal(ThrowingCallable work) {
    var refused = new Refusal[1];
    assertThatThrownBy(work)
        .isInstanceOfSatisfying(RefusedException.class, e -> refused[0] = e.refusal());
    return refused[0];
  }

  private List<VcpuRegisters> running() {
    return List.of(vcpu(guest.get64(guest.at("__per_cpu_offset"))));
  }

  private static List<VcpuRegisters> inFirmware() {
    return List.of(vcpu(0));
  }

  private static VcpuRegisters vcpu(long gsBase) {
    GuestVirtualAddress none = new GuestVirtualAddress(0);
    return new VcpuRegisters(
        0, none, none, 0, 0x10, new GuestVirtualAddress(gsBase), none, 0, List.of());
  }

  @Test
  void theSameBootIsTheSame() {
    RunningKernel kernel = attach();
    kernel.boot().require(this::running);
    kernel.boot().require();
    assertThat(kernel.boot().whyGone()).isEmpty();
    assertThat(kernel.boot().id()).isEqualTo(attach().identity().boot());
  }

  @Test
  void anotherBootIsNoticedThoughEverythingIsWhereItWas() {
    RunningKernel kernel = attach();
    guest.put64(guest.at("init_task") + guest.offset("task_struct", "stack_canary"), 42);

    assertThat(refusal(kernel.boot()::require))
        .isInstanceOfSatisfying(
            GuestRefusal.GuestRebooted.class,
            refused -> assertThat(refused.detail()).contains("another boot"));
    assertThat(refusal(() -> kernel.boot().require(this::running)).code())
        .isEqualTo("guest-rebooted");
  }

  @Test
  void kernelThatGoesDownIsNoticed() {
    RunningKernel kernel = attach();
    guest.put32(guest.at("system_state"), 4);
    assertThat(refusal(kernel.boot()::require).message()).contains("shuts down");
  }

  @Test
  void kernelThatPanicsIsNoticedThoughNobodyTells() {
    RunningKernel kernel = attach();
    guest.put32(guest.at("panic_cpu"), 0);
    assertThat(refusal(kernel.boot()::require).message()).contains("panicked");
    assertThat(refusal(this::attach).message()).contains("panicked");
  }

  @Test
  void memoryThatIsNoKernelAnyMoreIsNoticed() {
    RunningKernel kernel = attach();
    guest.write(guest.at("init_top_pgt"), new byte[4096]);
    assertThat(refusal(kernel.boot()::require).message()).contains("not where it was");
  }

  /** Memory some reads of which fail, though what is asked for is there. */
  private static final class Flaky implements PhysicalMemory {
    private final PhysicalMemory real;
    private int failing;

    Flaky(PhysicalMemory real) {
      this.real = real;
    }

    @Override
    public List<MemoryRegion> regions() {
      return real.regions();
    }

    @Override
    public void read(GuestPhysicalAddress at, byte[] into, int offset, int length) {
      if (failing > 0) {
        failing--;
        throw new MemoryFaultException("physical", at.value(), length, "put here by a test");
      }
      real.read(at, into, offset, length);
    }
  }

  @Test
  void readThatFailsIsNoReboot() {
    Flaky memory = new Flaky(guest);
    RunningKernel kernel = RunningKernel.attach(new FakeDomain("guest", memory), cache);
    memory.failing = 2;
    kernel.boot().require(this::running);

    memory.failing = Integer.MAX_VALUE;
    assertThatThrownBy(kernel.boot()::whyGone).isInstanceOf(MemoryFaultException.class);
    assertThatThrownBy(kernel.boot()::require).isInstanceOf(MemoryFaultException.class);

    memory.failing = 0;
    kernel.boot().require(this::running);
  }

  @Test
  void memoryThatLooksAliveIsNotBelievedAfterAReset() {
    RunningKernel kernel = attach();
    assertThat(refusal(() -> kernel.boot().require(BootIdentityTest::inFirmware)))
        .isInstanceOf(GuestRefusal.KernelNotRunning.class);
    kernel.boot().require(this::running);
    assertThat(refusal(() -> kernel.boot().require(BootIdentityTest::inFirmware)))
        .isInstanceOf(GuestRefusal.GuestRebooted.class);
  }
}
