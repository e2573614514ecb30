package org.lucos.tests.bridge;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.lucos.tests.bridge.AttachTest.refusal;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.lucos.bridge.addr.GuestPhysicalAddress;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.bridge.domain.DomainRefusal;
import org.lucos.bridge.domain.DomainRefusedException;
import org.lucos.bridge.domain.DomainState;
import org.lucos.bridge.domain.GuestDomain;
import org.lucos.bridge.domain.GuestHost;
import org.lucos.bridge.domain.PauseLog;
import org.lucos.bridge.domain.PausedGuest;
import org.lucos.bridge.domain.UnexpectedBytesException;
import org.lucos.bridge.memory.MemoryFaultException;
import org.lucos.bridge.vcpu.VcpuRegisters;
import org.lucos.tests.guest.Contract;
import org.lucos.tests.guest.Guest;
import org.lucos.tests.guest.GuestSpec;
import org.lucos.tests.guest.Place;
import org.lucos.tests.guest.TestGuest;

/** Stopping, looking, writing and letting run, under every hypervisor. */
@Contract
class PauseContractTest {
  private static final long KNOWN = 0x4c55_434f_5300_0000L;
  private static final int RSP = 7;
  private static final long INTERRUPTS = 1 << 9;

  private final GuestHost host = Place.current().open();

  @AfterEach
  void disconnect() {
    host.close();
  }

  @Test
  void guestStandsStillWhileHeldAndRunsAfterwards(@Guest(vcpus = 2) TestGuest guest)
      throws InterruptedException {
    try (GuestDomain domain = host.attach(guest.name())) {
      LinuxView linux = LinuxView.find(domain);
      GuestVirtualAddress jiffies = LinuxView.kallsyms(guest, "jiffies");
      for (int i = 0; i < 5; i++) {
        try (PausedGuest held = domain.pause("still")) {
          assertThat(held.pausedBefore()).isFalse();
          assertThat(domain.state()).isEqualTo(DomainState.PAUSED);
          long before = linux.memory().u64(jiffies);
          Thread.sleep(300);
          assertThat(linux.memory().u64(jiffies)).isEqualTo(before);
        }
        assertThat(domain.state()).isEqualTo(DomainState.RUNNING);
        long before = linux.memory().u64(jiffies);
        for (int j = 0; j < 600 && linux.memory().u64(jiffies) == before; j++) {
          Thread.sleep(100); // an idle guest need not tick
        }
        assertThat(linux.memory().u64(jiffies)).isGreaterThan(before);
      }
      assertThat(domain.pauses().entries())
          .extracting(PauseLog.Entry::purpose)
          .filteredOn(purpose -> !purpose.equals("connect")) // QEMU's debug port costs one
          .containsExactly("still", "still", "still", "still", "still");
      assertThat(domain.pauses().longest()).isGreaterThanOrEqualTo(Duration.ofMillis(300));
    }
    assertThat(guest.outside().running()).isTrue();
    assertThat(guest.outside().controlled()).isFalse();
    assertThat(guest.run("echo alive")).isEqualTo("alive");
  }

  @Test
  @Tag(Contract.CORE)
  void registersAreThoseOfTheProgramThatRuns(@Guest(vcpus = 2) TestGuest guest)
      throws InterruptedException {
    guest.run("for cpu in 0 1; do taskset -c $cpu known_registers & done >/dev/null 2>&1");
    Set<Integer> seen = new HashSet<>();
    try (GuestDomain domain = host.attach(guest.name())) {
      for (int i = 0; i < 200 && seen.size() < 2; i++) {
        try (PausedGuest held = domain.pause("registers")) {
          List<VcpuRegisters> registers = held.registers();
          assertThat(registers).extracting(VcpuRegisters::index).containsExactly(0, 1);
          registers.stream()
              .filter(PauseContractTest::runsTheProgram)
              .forEach(vcpu -> seen.add(vcpu.index()));
        }
        Thread.sleep(50);
      }
    } finally {
      guest.run("killall known_registers");
    }
    assertThat(seen).containsExactlyInAnyOrder(0, 1);
  }

  /**
   * Whether it was stopped in {@code known_registers.c}; then all of it must be as written there.
   */
  private static boolean runsTheProgram(VcpuRegisters vcpu) {
    if (!vcpu.inUserMode()
        || vcpu.general().get(0) != KNOWN
        || vcpu.general().get(15) != known(15)) {
      return false; // somewhere else, or not yet there
    }
    for (int i = 0; i < vcpu.general().size(); i++) {
      if (i != RSP) {
        assertThat(vcpu.general().get(i)).as("register %d", i).isEqualTo(known(i));
      }
    }
    assertThat(vcpu.general().get(RSP)).isEqualTo(vcpu.rsp().value());
    assertThat(vcpu.rip().isKernel()).isFalse();
    assertThat(vcpu.rsp().isKernel()).isFalse();
    assertThat(vcpu.kernelGsBase().isKernel()).isTrue(); // the per-CPU area
    assertThat(vcpu.rflags() & INTERRUPTS).isNotZero();
    assertThat(vcpu.cr3()).isNotZero();
    return true;
  }

  private static long known(int register) {
    return KNOWN | (long) register << 8;
  }

  @Test
  @Tag(Contract.CORE)
  void writeIsSeenByTheGuest(@Guest(vcpus = 2) TestGuest guest) {
    try (GuestDomain domain = host.attach(guest.name())) {
      LinuxView linux = LinuxView.find(domain);
      // struct new_utsname's nodename comes 65 bytes after sysname, which says "Linux"
      GuestVirtualAddress namespace = linux.symbol("init_uts_ns");
      String found = new String(linux.memory().bytes(namespace, 256), StandardCharsets.ISO_8859_1);
      GuestPhysicalAddress sysname =
          linux.memory().physical(namespace.plus(found.indexOf("Linux\0")));
      byte[] linuxName = {'L', 'i', 'n', 'u', 'x'};
      byte[] otherName = {'L', 'u', 'n', 'i', 'x'};
      try (PausedGuest held = domain.pause("write")) {
        held.write(sysname, linuxName, otherName);
        held.commit();
      }
      assertThat(guest.run("uname -s")).isEqualTo("Lunix");
      try (PausedGuest held = domain.pause("write")) {
        assertThatThrownBy(() -> held.write(sysname, linuxName, otherName))
            .isInstanceOf(UnexpectedBytesException.class)
            .hasMessageContaining("expected=4c696e7578, found=4c756e6978");
        held.write(sysname, otherName, linuxName);
      }
      assertThat(guest.run("uname -s")).isEqualTo("Linux");
    }
  }

  private static byte[] word(GuestDomain domain, GuestPhysicalAddress at) {
    byte[] word = new byte[4];
    domain.memory().read(at, word, 0, word.length);
    return word;
  }

  @Test
  void batchOfWritesIsComparedWholeBeforeTheFirst(@Guest(vcpus = 2) TestGuest guest) {
    try (GuestDomain domain = host.attach(guest.name())) {
      GuestPhysicalAddress spare = LinuxView.find(domain).spare();
      byte[] before = word(domain, spare);
      byte[] after = {1, 2, 3, 4};
      try (PausedGuest held = domain.pause("write")) {
        assertThatThrownBy(
                () ->
                    held.writeAll(
                        List.of(
                            new PausedGuest.Edit(spare, before, after),
                            new PausedGuest.Edit(spare.plus(4), after, before))))
            .isInstanceOf(UnexpectedBytesException.class);
        assertThatThrownBy(() -> held.write(new GuestPhysicalAddress(0xfee00000L), before, after))
            .isInstanceOf(MemoryFaultException.class);
        assertThat(word(domain, spare)).isEqualTo(before);
      }
    }
  }

  @Test
  void bytesThatChangedBecauseThePauseWasTakenAwayAreNotBlamed(@Guest(vcpus = 2) TestGuest guest)
      throws InterruptedException {
    try (GuestDomain domain = host.attach(guest.name())) {
      GuestPhysicalAddress spare = LinuxView.find(domain).spare();
      byte[] before = word(domain, spare);
      byte[] changed = {1, 2, 3, 4};
      try (PausedGuest held = domain.pause("hang")) {
        for (int i = 0; i < 600 && domain.state() != DomainState.RUNNING; i++) {
          Thread.sleep(100); // until the watchdog thinks this process hangs
        }
        assertThatThrownBy(() -> held.write(spare, changed, before))
            .isInstanceOf(DomainRefusedException.class);
      }
      assertThat(guest.run("echo alive")).isEqualTo("alive");
    }
  }

  @Test
  void guestPausedBySomebodyElseStaysPaused(@Guest(vcpus = 2) TestGuest guest) {
    guest.outside().suspend();
    try (GuestDomain domain = host.attach(guest.name())) {
      assertThat(domain.state()).isEqualTo(DomainState.PAUSED);
      for (int i = 0; i < 2; i++) {
        try (PausedGuest held = domain.pause("hold")) {
          assertThat(held.pausedBefore()).isTrue();
          assertThat(held.registers()).hasSize(2);
        }
        assertThat(domain.state()).isEqualTo(DomainState.PAUSED);
      }
      guest.outside().resume();
      try (PausedGuest held = domain.pause("hold")) {
        assertThat(held.pausedBefore()).isFalse();
      }
      assertThat(domain.state()).isEqualTo(DomainState.RUNNING);
      guest.outside().suspend();
      try (PausedGuest held = domain.pause("hold")) {
        assertThat(held.pausedBefore()).isTrue();
      }
    } finally {
      assertThat(guest.outside().running()).isFalse();
      guest.outside().resume();
    }
    assertThat(guest.run("echo alive")).isEqualTo("alive");
  }

  @Test
  void guestLetRunBySomebodyElseWhileHeldEndsTheLease(@Guest(vcpus = 2) TestGuest guest) {
    try (GuestDomain domain = host.attach(guest.name())) {
      try (PausedGuest held = domain.pause("hold")) {
        guest.outside().resume();
        assertThat(refusal(held::registers))
            .isInstanceOf(DomainRefusal.HypervisorFailure.class)
            .extracting(DomainRefusal::message)
            .asString()
            .contains("resumed by somebody else");
      }
      assertThat(guest.outside().running()).isTrue();
      domain.pause("again").close();
    }
    assertThat(guest.run("echo alive")).isEqualTo("alive");
  }

  @Test
  void guestThatEndsWhileHeldIsNotRunning() {
    try (TestGuest guest = TestGuest.boot(GuestSpec.cloud("6.1"));
        GuestDomain domain = host.attach(guest.name())) {
      try (PausedGuest held = domain.pause("hold")) {
        guest.outside().end();
        assertThat(refusal(held::registers))
            .isEqualTo(new DomainRefusal.NotRunning(guest.name(), DomainState.SHUT_OFF));
      }
      assertThat(domain.state()).isEqualTo(DomainState.SHUT_OFF);
      assertThat(refusal(() -> domain.pause("again")))
          .isEqualTo(new DomainRefusal.NotRunning(guest.name(), DomainState.SHUT_OFF));
      assertThatThrownBy(() -> domain.memory().read(new GuestPhysicalAddress(0), new byte[1], 0, 1))
          .isInstanceOf(MemoryFaultException.class);
    }
  }
}
