package org.lucos.tests.bridge;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.lucos.bridge.addr.GuestPhysicalAddress;
import org.lucos.bridge.domain.DomainIdentity;
import org.lucos.bridge.domain.DomainRefusal;
import org.lucos.bridge.domain.DomainRefusedException;
import org.lucos.bridge.domain.DomainState;
import org.lucos.bridge.domain.GuestDomain;
import org.lucos.bridge.libvirt.Hypervisor;
import org.lucos.tests.guest.Guest;
import org.lucos.tests.guest.TestGuest;
import org.lucos.tests.guest.Virsh;

class AttachTest {
  @TempDir private Path directory;
  private Hypervisor hypervisor = Hypervisor.open(Virsh.URI);

  @BeforeEach
  void connect() {
    hypervisor = Hypervisor.open(Virsh.URI);
  }

  @AfterEach
  void disconnect() {
    hypervisor.close();
  }

  static DomainRefusal refusal(ThrowingCallable action) {
    try {
      action.call();
    } catch (DomainRefusedException e) {
      assertThat(e.refusal().message()).isNotBlank();
      assertThat(e.refusal().remedy()).isNotBlank();
      return e.refusal();
    } catch (Throwable e) {
      throw new AssertionError("not refused, but failed", e);
    }
    throw new AssertionError("not refused");
  }

  private DomainRefusal attachRefused(String name) {
    return refusal(() -> hypervisor.attach(name));
  }

  @Test
  void domainThatIsShutOffIsRefused() throws IOException {
    String name = define("x86_64", "q35");
    try {
      assertThat(attachRefused(name))
          .isEqualTo(new DomainRefusal.NotRunning(name, DomainState.SHUT_OFF));
    } finally {
      Virsh.run("undefine", name);
    }
  }

  @Test
  void domainOfAnotherArchitectureIsRefused() throws IOException {
    String name = define("i686", "pc");
    try {
      assertThat(attachRefused(name)).isEqualTo(new DomainRefusal.NotX8664(name, "i686"));
    } finally {
      Virsh.run("undefine", name);
    }
  }

  private String define(String architecture, String machine) throws IOException {
    String name = "lucos-test-off-" + architecture + "-" + ProcessHandle.current().pid();
    Path xml = directory.resolve("domain.xml");
    Files.writeString(
        xml,
        "<domain type='qemu'><name>"
            + name
            + "</name><memory unit='MiB'>64</memory><os><type arch='"
            + architecture
            + "' machine='"
            + machine
            + "'>hvm</type></os></domain>");
    Virsh.run("define", xml.toString());
    return name;
  }

  @Test
  void otherHypervisorIsRefused() {
    try (Hypervisor other = Hypervisor.open("test:///default")) {
      assertThat(other.running()).extracting(DomainIdentity::name).containsExactly("test");
      assertThat(refusal(() -> other.attach("test")))
          .isEqualTo(new DomainRefusal.UnsupportedHypervisor("test", "test"));
    }
  }

  @Test
  void libvirtThatIsNotThereIsRefused() {
    assertThat(
            refusal(() -> Hypervisor.open("qemu+unix:///system?socket=/nowhere/libvirt").close()))
        .isInstanceOf(DomainRefusal.HypervisorFailure.class);
  }

  @Test
  void missingPrivilegeIsRefused(@Guest TestGuest guest) throws Exception {
    Process process =
        new ProcessBuilder(
                "setpriv",
                "--bounding-set=-sys_ptrace",
                "--inh-caps=-sys_ptrace",
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty("java.class.path"),
                HoldingController.class.getName(),
                guest.name(),
                "attach")
            .redirectErrorStream(true)
            .start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(output).contains("refused no-permission");
    assertThat(process.waitFor()).isZero();
  }

  @Test
  void migratingGuestIsRefusedFromTheStartAndLater(@Guest TestGuest guest) throws Exception {
    Path socket = directory.resolve("migration");
    openToEveryone(directory);
    try (ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        GuestDomain domain = hypervisor.attach(guest.name())) {
      server.bind(UnixDomainSocketAddress.of(socket));
      openToEveryone(socket);
      // Nobody reads: the migration goes on until it is cancelled.
      Virsh.qmp(
          guest.name(),
          "{\"execute\":\"migrate\",\"arguments\":{\"uri\":\"unix:" + socket + "\"}}");
      try {
        assertThat(attachRefused(guest.name())).isInstanceOf(DomainRefusal.Migrating.class);
        assertThat(refusal(() -> domain.pause("switch")))
            .isInstanceOf(DomainRefusal.Migrating.class);
        assertThat(refusal(() -> domain.writeUnreachable(new GuestPhysicalAddress(0), new byte[1])))
            .isInstanceOf(DomainRefusal.Migrating.class);
        assertThat(Virsh.debugPortOpen(guest.name())).isFalse();
      } finally {
        Virsh.qmp(guest.name(), "{\"execute\":\"migrate_cancel\"}");
      }
      for (int i = 0; i < 100 && migrating(guest.name()); i++) {
        Thread.sleep(50);
      }
      domain.pause("afterwards").close();
    }
  }

  private static boolean migrating(String name) {
    return Virsh.qmp(name, "{\"execute\":\"query-migrate\"}").matches(".*(active|cancelling).*");
  }

  static void openToEveryone(Path path) throws IOException {
    Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rwxrwxrwx"));
  }
}
