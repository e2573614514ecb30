package org.lucos.tests.bridge;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.lucos.bridge.addr.GuestPhysicalAddress;
import org.lucos.bridge.domain.Capability;
import org.lucos.bridge.domain.GuestDomain;
import org.lucos.bridge.domain.GuestHost;
import org.lucos.tests.guest.Contract;
import org.lucos.tests.guest.Guest;
import org.lucos.tests.guest.Place;
import org.lucos.tests.guest.TestGuest;

/** Controllers that end, or hang, while they hold a guest, under every hypervisor. */
@Contract
class LeaseContractTest {
  private static final byte[] AFTER = {1, 2, 3, 4, 5, 6, 7, 8};

  private static byte[] bytes(TestGuest guest, GuestPhysicalAddress at) {
    try (GuestHost host = Place.current().open();
        GuestDomain domain = host.attach(guest.name())) {
      byte[] bytes = new byte[AFTER.length];
      domain.memory().read(at, bytes, 0, bytes.length);
      return bytes;
    }
  }

  private static GuestPhysicalAddress spare(TestGuest guest) {
    try (GuestHost host = Place.current().open();
        GuestDomain domain = host.attach(guest.name())) {
      return LinuxView.find(domain).spare();
    }
  }

  private final List<Process> controllers = new ArrayList<>();

  /** One that hung on would keep the guest from the tests that come. */
  @AfterEach
  void endControllers() {
    controllers.forEach(Process::destroyForcibly);
  }

  private Process writing(TestGuest guest, String what, GuestPhysicalAddress at)
      throws IOException {
    Process controller =
        HeldController.start(
            guest.name(),
            what,
            Long.toHexString(at.value()),
            HexFormat.of().formatHex(bytes(guest, at)),
            HexFormat.of().formatHex(AFTER));
    controllers.add(controller);
    return controller;
  }

  private static boolean expelsHungControllers(TestGuest guest) {
    try (GuestHost host = Place.current().open();
        GuestDomain domain = host.attach(guest.name())) {
      return domain.facts().can(Capability.HUNG_CONTROLLER_EXPULSION);
    }
  }

  @Test
  @Tag(Contract.CORE)
  void controllerKilledWhileHoldingLeavesTheGuestRunningAndUnchanged(
      @Guest(vcpus = 2) TestGuest guest) throws Exception {
    GuestPhysicalAddress at = spare(guest);
    byte[] before = bytes(guest, at);
    Process controller = writing(guest, "hold", at);
    assertThat(bytes(guest, at)).isEqualTo(AFTER);
    assertThat(guest.outside().running()).isFalse();
    HeldController.signal("KILL", controller);
    HeldController.await(() -> guest.outside().running());
    assertThat(bytes(guest, at)).isEqualTo(before);
    HeldController.await(() -> !guest.outside().controlled());
    assertThat(guest.run("echo alive")).isEqualTo("alive");
  }

  @Test
  void serviceThatIsStoppedWholeLeavesTheGuestRunning(@Guest(vcpus = 2) TestGuest guest)
      throws Exception {
    GuestPhysicalAddress at = spare(guest);
    byte[] before = bytes(guest, at);
    Process controller = writing(guest, "hold", at);
    controller.descendants().forEach(ProcessHandle::destroy); // SIGTERM
    HeldController.signal("TERM", controller);
    HeldController.await(() -> guest.outside().running());
    assertThat(bytes(guest, at)).isEqualTo(before);
    HeldController.await(() -> !guest.outside().controlled());
  }

  @Test
  void committedWritesOutliveTheController(@Guest(vcpus = 2) TestGuest guest) throws Exception {
    GuestPhysicalAddress at = spare(guest);
    byte[] before = bytes(guest, at);
    Process controller = writing(guest, "commit", at);
    HeldController.signal("KILL", controller);
    HeldController.await(() -> guest.outside().running());
    assertThat(bytes(guest, at)).isEqualTo(AFTER);
    HeldController.await(() -> !guest.outside().controlled());
    try (GuestHost host = Place.current().open();
        GuestDomain domain = host.attach(guest.name())) {
      domain.writeUnreachable(at, before);
    }
  }

  @Test
  void hungControllerLosesTheGuest(@Guest(vcpus = 2) TestGuest guest) throws Exception {
    GuestPhysicalAddress at = spare(guest);
    byte[] before = bytes(guest, at);
    Process controller = writing(guest, "hold", at);
    HeldController.signal("STOP", controller);
    try {
      HeldController.await(() -> guest.outside().running());
      assertThat(bytes(guest, at)).isEqualTo(before);
      if (expelsHungControllers(guest)) {
        HeldController.await(() -> !guest.outside().controlled());
      } else {
        assertThat(guest.outside().controlled()).isTrue();
      }
    } finally {
      HeldController.signal("KILL", controller);
    }
    HeldController.await(() -> !guest.outside().controlled());
    assertThat(guest.run("echo alive")).isEqualTo("alive");
  }

  @Test
  void guestFoundPausedStaysPausedWhenTheControllerIsKilled(@Guest(vcpus = 2) TestGuest guest)
      throws Exception {
    GuestPhysicalAddress at = spare(guest);
    byte[] before = bytes(guest, at);
    guest.outside().suspend();
    try {
      Process controller = writing(guest, "hold", at);
      HeldController.signal("KILL", controller);
      HeldController.await(() -> !guest.outside().controlled());
      assertThat(guest.outside().running()).isFalse();
      assertThat(bytes(guest, at)).isEqualTo(before);
    } finally {
      guest.outside().resume();
    }
  }
}
