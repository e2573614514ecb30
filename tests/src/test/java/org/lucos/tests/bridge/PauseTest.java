package org.lucos.tests.bridge;

import static org.assertj.core.api.Assertions.assertThat;
import static org.lucos.tests.bridge.AttachTest.refusal;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.lucos.bridge.domain.DomainRefusal;
import org.lucos.bridge.domain.GuestDomain;
import org.lucos.bridge.domain.PauseLog;
import org.lucos.bridge.domain.PausedGuest;
import org.lucos.bridge.libvirt.Hypervisor;
import org.lucos.bridge.vcpu.VcpuRegisters;
import org.lucos.tests.guest.Guest;
import org.lucos.tests.guest.GuestSpec;
import org.lucos.tests.guest.TestGuest;
import org.lucos.tests.guest.Virsh;

class PauseTest {
  private static final Path LATENCY = Path.of("/dev/cpu_dma_latency");

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

  @Test
  void cpusOfTheHostAreKeptAwakeForAsLongAsAPauseLasts(@Guest(vcpus = 2) TestGuest guest)
      throws IOException {
    try (GuestDomain domain = hypervisor.attach(guest.name())) {
      domain.pause("connect").close();
      assertThat(isAsking()).isFalse();
      try (PausedGuest held = domain.pause("awake")) {
        assertThat(held.registers()).hasSize(2);
        assertThat(isAsking()).isEqualTo(Files.isWritable(LATENCY));
        if (isAsking()) {
          assertThat(latencyAskedFor()).isZero();
        }
      }
      assertThat(isAsking()).isFalse();
    }
  }

  @Test
  void guestThatMovesAwayDuringTheLastLookIsNotHeld(@TempDir Path directory) throws IOException {
    Path socket = directory.resolve("migration");
    AttachTest.openToEveryone(directory);
    try (ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        TestGuest guest = TestGuest.boot(GuestSpec.cloud("6.1"));
        GuestDomain domain = hypervisor.attach(guest.name())) {
      server.bind(UnixDomainSocketAddress.of(socket));
      AttachTest.openToEveryone(socket);
      domain.pause("connect").close();
      assertThat(refusal(() -> domain.pause("late", () -> moveAway(guest.name(), socket, server))))
          .isInstanceOf(DomainRefusal.Migrating.class);
      assertThat(domain.pauses().entries())
          .extracting(PauseLog.Entry::purpose)
          .doesNotContain("late");
    }
  }

  /** Lets somebody take all of the guest; it stays behind, stopped. */
  private static void moveAway(String name, Path socket, ServerSocketChannel server) {
    Virsh.qmp(name, "{\"execute\":\"migrate\",\"arguments\":{\"uri\":\"unix:" + socket + "\"}}");
    ByteBuffer taken = ByteBuffer.allocate(1 << 20);
    try (SocketChannel channel = server.accept()) {
      while (channel.read(taken.clear()) >= 0) {
        assertThat(taken.position()).isPositive();
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    assertThat(Virsh.qmp(name, "{\"execute\":\"query-status\"}")).contains("postmigrate");
  }

  private static boolean isAsking() throws IOException {
    try (Stream<Path> descriptors = Files.list(Path.of("/proc/self/fd"))) {
      return descriptors.map(Path::toFile).anyMatch(PauseTest::isTheDevice);
    }
  }

  private static boolean isTheDevice(File descriptor) {
    try {
      return descriptor.getCanonicalPath().equals(LATENCY.toString());
    } catch (IOException e) {
      return false; // closed meanwhile
    }
  }

  /** The least of what anybody on this host asks for, in microseconds. */
  private static int latencyAskedFor() throws IOException {
    byte[] number = Files.readAllBytes(LATENCY);
    return ByteBuffer.wrap(number).order(ByteOrder.nativeOrder()).getInt();
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
}
