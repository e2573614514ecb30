package org.lucos.tests.bridge;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.lucos.bridge.domain.DomainRefusal;
import org.lucos.bridge.domain.GuestDomain;
import org.lucos.bridge.libvirt.Hypervisor;
import org.lucos.tests.guest.Guest;
import org.lucos.tests.guest.TestGuest;
import org.lucos.tests.guest.Virsh;

/** What controllers that end leave of QEMU's debug port; the rest is in LeaseContractTest. */
class WatchdogTest {
  @Test
  void controllerKilledBetweenPausesLeavesNoPortOpen(@Guest(vcpus = 2) TestGuest guest)
      throws Exception {
    Process controller = HeldController.start(guest.name(), "rest");
    assertThat(Virsh.running(guest.name())).isTrue();
    assertThat(Virsh.debugPortOpen(guest.name())).isTrue();
    HeldController.signal("KILL", controller);
    HeldController.await(() -> !Virsh.debugPortOpen(guest.name()));
    assertThat(Virsh.running(guest.name())).isTrue();
  }

  @Test
  void portLeftOverByControllerAndWatchdogIsTakenOver(@Guest(vcpus = 2) TestGuest guest)
      throws Exception {
    Process controller = HeldController.start(guest.name(), "rest");
    controller.descendants().forEach(ProcessHandle::destroyForcibly);
    HeldController.signal("KILL", controller);
    controller.waitFor();
    assertThat(Virsh.debugPortOpen(guest.name())).isTrue();
    try (Hypervisor hypervisor = Hypervisor.open(Virsh.URI);
        GuestDomain domain = hypervisor.attach(guest.name())) {
      domain.pause("after").close();
    }
    assertThat(Virsh.debugPortOpen(guest.name())).isFalse();
    assertThat(Virsh.running(guest.name())).isTrue();
  }

  @Test
  void secondControllerIsRefusedWhileTheFirstHasThePort(@Guest(vcpus = 2) TestGuest guest)
      throws Exception {
    Process controller = HeldController.start(guest.name(), "rest");
    try (Hypervisor hypervisor = Hypervisor.open(Virsh.URI);
        GuestDomain domain = hypervisor.attach(guest.name())) {
      assertThat(AttachTest.refusal(() -> domain.pause("second")).code())
          .isEqualTo("debugger-attached");
    } finally {
      HeldController.signal("KILL", controller);
    }
    HeldController.await(() -> !Virsh.debugPortOpen(guest.name()));
  }

  @Test
  void guestWhoseUndoRecordCannotBeMadeIsNotStopped(@Guest(vcpus = 2) TestGuest guest)
      throws IOException {
    Path inTheWay = runDirectory(guest).resolve("lucos-gdb.sock.undo");
    Path inside = inTheWay.resolve("something");
    Files.deleteIfExists(inTheWay); // of whoever had the guest before
    Files.createDirectories(inside);
    try (Hypervisor hypervisor = Hypervisor.open(Virsh.URI);
        GuestDomain domain = hypervisor.attach(guest.name())) {
      DomainRefusal refusal = AttachTest.refusal(() -> domain.pause("first"));
      assertThat(refusal.code()).isEqualTo("hypervisor-failure");
      assertThat(refusal.message()).contains(inTheWay.toString());
      assertThat(Virsh.debugPortOpen(guest.name())).isFalse();
      assertThat(Virsh.running(guest.name())).isTrue();
      assertThat(domain.pauses().entries()).isEmpty();
      Files.delete(inside);
      domain.pause("second").close();
    } finally {
      if (Files.isDirectory(inTheWay)) {
        Files.delete(inside);
      }
    }
    assertThat(Virsh.running(guest.name())).isTrue();
  }

  /** Where libvirt has the domain's own sockets. */
  private static Path runDirectory(TestGuest guest) throws IOException {
    String start = "domain-" + Virsh.run("domid", guest.name()).strip() + "-";
    try (Stream<Path> all = Files.list(Path.of("/var/lib/libvirt/qemu"))) {
      return all.filter(path -> path.getFileName().toString().startsWith(start))
          .findFirst()
          .orElseThrow();
    }
  }
}
