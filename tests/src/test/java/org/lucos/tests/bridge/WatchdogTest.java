package org.lucos.tests.bridge;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Test;
import org.lucos.bridge.addr.GuestPhysicalAddress;
import org.lucos.bridge.domain.GuestDomain;
import org.lucos.bridge.libvirt.Hypervisor;
import org.lucos.tests.guest.Guest;
import org.lucos.tests.guest.TestGuest;

/** Controllers that end, or hang, where it hurts most. */
class WatchdogTest {
  private static final byte[] AFTER = {1, 2, 3, 4, 5, 6, 7, 8};

  /** A controller in a process of its own that has done what it was told. */
  private static Process controller(String... arguments) throws IOException {
    List<String> command =
        new ArrayList<>(
            List.of(
                "setsid",
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty("java.class.path"),
                HoldingController.class.getName()));
    command.addAll(List.of(arguments));
    Process process =
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
    String line =
        new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))
            .readLine();
    assertThat(line).isEqualTo("holding");
    return process;
  }

  private static void signal(String signal, Process process) throws Exception {
    // the whole group, as a terminal or a supervisor would
    assertThat(
            new ProcessBuilder("/bin/kill", "-" + signal, "--", "-" + process.pid())
                .inheritIO()
                .start()
                .waitFor())
        .isZero();
  }

  private static void await(BooleanSupplier condition) throws InterruptedException {
    for (int i = 0; i < 300 && !condition.getAsBoolean(); i++) {
      Thread.sleep(50);
    }
    assertThat(condition.getAsBoolean()).isTrue();
  }

  private static byte[] bytes(TestGuest guest, GuestPhysicalAddress at) {
    try (Hypervisor hypervisor = Hypervisor.open(Virsh.URI);
        GuestDomain domain = hypervisor.attach(guest.name())) {
      byte[] bytes = new byte[AFTER.length];
      domain.memory().read(at, bytes, 0, bytes.length);
      return bytes;
    }
  }

  private static GuestPhysicalAddress spare(TestGuest guest) {
    try (Hypervisor hypervisor = Hypervisor.open(Virsh.URI);
        GuestDomain domain = hypervisor.attach(guest.name())) {
      return LinuxView.find(domain).spare();
    }
  }

  private static Process writing(TestGuest guest, String what, GuestPhysicalAddress at)
      throws IOException {
    return controller(
        guest.name(),
        what,
        Long.toHexString(at.value()),
        HexFormat.of().formatHex(bytes(guest, at)),
        HexFormat.of().formatHex(AFTER));
  }

  @Test
  void controllerKilledWhileHoldingLeavesTheGuestRunningAndUnchanged(
      @Guest(vcpus = 2) TestGuest guest) throws Exception {
    GuestPhysicalAddress at = spare(guest);
    byte[] before = bytes(guest, at);
    Process controller = writing(guest, "hold", at);
    assertThat(bytes(guest, at)).isEqualTo(AFTER);
    assertThat(Virsh.running(guest.name())).isFalse();
    signal("KILL", controller);
    await(() -> Virsh.running(guest.name()));
    assertThat(bytes(guest, at)).isEqualTo(before);
    await(() -> !Virsh.debugPortOpen(guest.name()));
    assertThat(guest.run("echo alive")).isEqualTo("alive");
  }

  @Test
  void serviceThatIsStoppedWholeLeavesTheGuestRunning(@Guest(vcpus = 2) TestGuest guest)
      throws Exception {
    GuestPhysicalAddress at = spare(guest);
    byte[] before = bytes(guest, at);
    Process controller = writing(guest, "hold", at);
    controller.descendants().forEach(ProcessHandle::destroy); // SIGTERM
    signal("TERM", controller);
    await(() -> Virsh.running(guest.name()));
    assertThat(bytes(guest, at)).isEqualTo(before);
    await(() -> !Virsh.debugPortOpen(guest.name()));
  }

  @Test
  void committedWritesOutliveTheController(@Guest(vcpus = 2) TestGuest guest) throws Exception {
    GuestPhysicalAddress at = spare(guest);
    byte[] before = bytes(guest, at);
    Process controller = writing(guest, "commit", at);
    signal("KILL", controller);
    await(() -> Virsh.running(guest.name()));
    assertThat(bytes(guest, at)).isEqualTo(AFTER);
    await(() -> !Virsh.debugPortOpen(guest.name()));
    try (Hypervisor hypervisor = Hypervisor.open(Virsh.URI);
        GuestDomain domain = hypervisor.attach(guest.name())) {
      domain.writeUnreachable(at, before);
    }
  }

  @Test
  void hungControllerLosesTheGuest(@Guest(vcpus = 2) TestGuest guest) throws Exception {
    GuestPhysicalAddress at = spare(guest);
    byte[] before = bytes(guest, at);
    Process controller = writing(guest, "hold", at);
    signal("STOP", controller);
    try {
      await(() -> Virsh.running(guest.name()));
      assertThat(bytes(guest, at)).isEqualTo(before);
      await(() -> !Virsh.debugPortOpen(guest.name()));
    } finally {
      signal("KILL", controller);
    }
    assertThat(guest.run("echo alive")).isEqualTo("alive");
  }

  @Test
  void guestFoundPausedStaysPausedWhenTheControllerIsKilled(@Guest(vcpus = 2) TestGuest guest)
      throws Exception {
    GuestPhysicalAddress at = spare(guest);
    byte[] before = bytes(guest, at);
    Virsh.run("suspend", guest.name());
    try {
      Process controller = writing(guest, "hold", at);
      signal("KILL", controller);
      await(() -> !Virsh.debugPortOpen(guest.name()));
      assertThat(Virsh.running(guest.name())).isFalse();
      assertThat(bytes(guest, at)).isEqualTo(before);
    } finally {
      Virsh.run("resume", guest.name());
    }
  }

  @Test
  void controllerKilledBetweenPausesLeavesNoPortOpen(@Guest(vcpus = 2) TestGuest guest)
      throws Exception {
    Process controller = controller(guest.name(), "rest");
    assertThat(Virsh.running(guest.name())).isTrue();
    assertThat(Virsh.debugPortOpen(guest.name())).isTrue();
    signal("KILL", controller);
    await(() -> !Virsh.debugPortOpen(guest.name()));
    assertThat(Virsh.running(guest.name())).isTrue();
  }

  @Test
  void portLeftOverByControllerAndWatchdogIsTakenOver(@Guest(vcpus = 2) TestGuest guest)
      throws Exception {
    Process controller = controller(guest.name(), "rest");
    controller.descendants().forEach(ProcessHandle::destroyForcibly);
    signal("KILL", controller);
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
    Process controller = controller(guest.name(), "rest");
    try (Hypervisor hypervisor = Hypervisor.open(Virsh.URI);
        GuestDomain domain = hypervisor.attach(guest.name())) {
      assertThat(AttachTest.refusal(() -> domain.pause("second")).code())
          .isEqualTo("debugger-attached");
    } finally {
      signal("KILL", controller);
    }
    await(() -> !Virsh.debugPortOpen(guest.name()));
  }
}
