package org.lucos.tests.bridge;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.lucos.tests.bridge.AttachTest.refusal;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.lucos.bridge.addr.GuestPhysicalAddress;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.bridge.domain.DomainRefusal;
import org.lucos.bridge.domain.DomainRefusedException;
import org.lucos.bridge.domain.DomainState;
import org.lucos.bridge.domain.GuestDomain;
import org.lucos.bridge.domain.PauseLog;
import org.lucos.bridge.domain.PausedGuest;
import org.lucos.bridge.domain.UnexpectedBytesException;
import org.lucos.bridge.libvirt.Hypervisor;
import org.lucos.bridge.memory.MemoryFaultException;
import org.lucos.bridge.vcpu.VcpuRegisters;
import org.lucos.tests.guest.Guest;
import org.lucos.tests.guest.GuestSpec;
import org.lucos.tests.guest.TestGuest;

class PauseTest {
  private Hypervisor hypervisor = Hypervisor.open(Virsh.URI);

  @BeforeEach
  void connect() {
    hypervisor = Hypervisor.open(Virsh.URI);
  }

  @AfterEach
  void disconnect() {
    hypervisor.close();
  }

  @Test
  void guestStandsStillWhileHeldAndRunsAfterwards(@Guest(vcpus = 2) TestGuest guest)
      throws InterruptedException {
    try (GuestDomain domain = hypervisor.attach(guest.name())) {
      LinuxView linux = LinuxView.find(domain);
      String line = guest.run("grep ' jiffies$' /proc/kallsyms");
      GuestVirtualAddress jiffies =
          new GuestVirtualAddress(Long.parseUnsignedLong(line.substring(0, 16), 16));
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
        Thread.sleep(300);
        assertThat(linux.memory().u64(jiffies)).isGreaterThan(before);
      }
      assertThat(domain.pauses().entries())
          .extracting(PauseLog.Entry::purpose)
          .containsExactly("connect", "still", "still", "still", "still", "still");
      assertThat(domain.pauses().longest())
          .isBetween(Duration.ofMillis(300), Duration.ofSeconds(5));
    }
    assertThat(Virsh.running(guest.name())).isTrue();
    assertThat(Virsh.debugPortOpen(guest.name())).isFalse();
    assertThat(guest.run("echo alive")).isEqualTo("alive");
  }

  @Test
  void registersAreThoseTheMonitorShows(@Guest(vcpus = 2) TestGuest guest) {
    guest.run("(timeout 20 sh -c 'while :; do :; done') >/dev/null 2>&1 &");
    try (GuestDomain domain = hypervisor.attach(guest.name())) {
      for (int i = 0; i < 6; i++) {
        try (PausedGuest held = domain.pause("registers")) {
          List<VcpuRegisters> registers = held.registers();
          assertThat(registers).extracting(VcpuRegisters::index).containsExactly(0, 1);
          for (VcpuRegisters vcpu : registers) {
            compare(vcpu, monitorsView(guest, vcpu.index()));
          }
        }
      }
    }
  }

  private static String monitorsView(TestGuest guest, int index) {
    String all = Virsh.hmp(guest.name(), "info registers -a");
    String[] parts = all.split("CPU#", -1);
    return parts[index + 1];
  }

  private static void compare(VcpuRegisters vcpu, String monitor) {
    List<String> names =
        List.of(
            "RAX", "RBX", "RCX", "RDX", "RSI", "RDI", "RBP", "RSP", "R8 ", "R9 ", "R10", "R11",
            "R12", "R13", "R14", "R15");
    for (int i = 0; i < names.size(); i++) {
      assertThat(vcpu.general().get(i)).as(names.get(i)).isEqualTo(number(monitor, names.get(i)));
    }
    assertThat(vcpu.rip().value()).isEqualTo(number(monitor, "RIP"));
    assertThat(vcpu.rsp().value()).isEqualTo(number(monitor, "RSP"));
    assertThat(vcpu.rflags()).isEqualTo(number(monitor, "RFL"));
    assertThat(vcpu.cr3()).isEqualTo(number(monitor, "CR3"));
    assertThat(vcpu.gsBase().value()).isEqualTo(number(monitor, "GS =[0-9a-f]{4} "));
    assertThat(vcpu.cs()).isEqualTo((int) number(monitor, "CS "));
    assertThat(vcpu.inUserMode()).isEqualTo(monitor.contains("CPL=3"));
    // one of the two is the kernel's per-CPU area, in whatever mode the vCPU was stopped
    assertThat(vcpu.gsBase().isKernel() || vcpu.kernelGsBase().isKernel()).isTrue();
  }

  private static long number(String text, String name) {
    Matcher matcher = Pattern.compile(name + "=?([0-9a-f]+)").matcher(text);
    if (!matcher.find()) {
      throw new AssertionError(name + " is not in: " + text);
    }
    return Long.parseUnsignedLong(matcher.group(1), 16);
  }

  @Test
  void writeIsSeenByTheGuest(@Guest(vcpus = 2) TestGuest guest) {
    try (GuestDomain domain = hypervisor.attach(guest.name())) {
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
    try (GuestDomain domain = hypervisor.attach(guest.name())) {
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
    try (GuestDomain domain = hypervisor.attach(guest.name())) {
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
    Virsh.run("suspend", guest.name());
    try (GuestDomain domain = hypervisor.attach(guest.name())) {
      assertThat(domain.state()).isEqualTo(DomainState.PAUSED);
      for (int i = 0; i < 2; i++) {
        try (PausedGuest held = domain.pause("hold")) {
          assertThat(held.pausedBefore()).isTrue();
          assertThat(held.registers()).hasSize(2);
        }
        assertThat(domain.state()).isEqualTo(DomainState.PAUSED);
      }
      Virsh.run("resume", guest.name());
      try (PausedGuest held = domain.pause("hold")) {
        assertThat(held.pausedBefore()).isFalse();
      }
      assertThat(domain.state()).isEqualTo(DomainState.RUNNING);
      Virsh.run("suspend", guest.name());
      try (PausedGuest held = domain.pause("hold")) {
        assertThat(held.pausedBefore()).isTrue();
      }
    } finally {
      assertThat(Virsh.running(guest.name())).isFalse();
      Virsh.run("resume", guest.name());
    }
    assertThat(guest.run("echo alive")).isEqualTo("alive");
  }

  @Test
  void guestLetRunBySomebodyElseWhileHeldEndsTheLease(@Guest(vcpus = 2) TestGuest guest) {
    try (GuestDomain domain = hypervisor.attach(guest.name())) {
      try (PausedGuest held = domain.pause("hold")) {
        Virsh.run("resume", guest.name());
        assertThat(refusal(held::registers))
            .isInstanceOf(DomainRefusal.HypervisorFailure.class)
            .extracting(DomainRefusal::message)
            .asString()
            .contains("resumed by somebody else");
      }
      assertThat(Virsh.running(guest.name())).isTrue();
      domain.pause("again").close();
    }
    assertThat(guest.run("echo alive")).isEqualTo("alive");
  }

  @Test
  void foreignDebuggerIsRefusedAndLeftAlone(@Guest(vcpus = 2) TestGuest guest) {
    Virsh.hmp(guest.name(), "gdbserver tcp:127.0.0.1:0,server=on,wait=off");
    try (GuestDomain domain = hypervisor.attach(guest.name())) {
      assertThat(refusal(() -> domain.pause("hold")))
          .isInstanceOf(DomainRefusal.DebuggerAttached.class);
      assertThat(Virsh.debugPortOpen(guest.name())).isTrue();
      assertThat(Virsh.running(guest.name())).isTrue();
    } finally {
      Virsh.hmp(guest.name(), "gdbserver none");
    }
  }

  @Test
  void guestThatEndsWhileHeldIsNotRunning() {
    try (TestGuest guest = TestGuest.boot(GuestSpec.cloud("6.1"));
        GuestDomain domain = hypervisor.attach(guest.name())) {
      try (PausedGuest held = domain.pause("hold")) {
        Virsh.run("destroy", guest.name());
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
