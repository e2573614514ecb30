package org.lucos.tests.live;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.lucos.bridge.domain.GuestDomain;
import org.lucos.bridge.domain.GuestHost;
import org.lucos.patcher.app.ApplyPatch;
import org.lucos.patcher.app.Progress;
import org.lucos.patcher.app.Settings;
import org.lucos.patcher.refusal.BusyRefusal;
import org.lucos.patcher.refusal.ExitCode;
import org.lucos.patcher.refusal.GuestRefusal;
import org.lucos.patcher.refusal.Refusal;
import org.lucos.patcher.transaction.GuestLock;
import org.lucos.tests.guest.Contract;
import org.lucos.tests.guest.Guest;
import org.lucos.tests.guest.GuestSpec;
import org.lucos.tests.guest.Place;
import org.lucos.tests.guest.TestGuest;
import org.lucos.tests.guest.Virsh;

/** Guests that cannot be worked on, for reasons of their own or of the host. */
class GuestStatesTest {
  private static final Mechanism PATCH = Mechanism.CMDLINE;

  @TempDir private Path folder = Path.of("");

  @Test
  @Contract
  void pausedGuestIsRefusedAndStaysPaused(@Guest TestGuest guest) {
    Operator operator = new Operator(guest);
    Path bundle = operator.bundle(PATCH.recipe());
    guest.outside().suspend();
    try {
      Refusal refusal = Operator.refusal(() -> operator.apply(bundle, Operator.HASTE));
      assertThat(refusal.code()).isEqualTo("domain-not-running");
      assertThat(refusal.exitCode()).isEqualTo(ExitCode.GUEST_UNAVAILABLE);
      assertThat(refusal.message()).contains(guest.name());
      assertThat(guest.outside().running()).isFalse();
    } finally {
      guest.outside().resume();
    }
    PATCH.assertNotSeen(guest);
  }

  @Test
  void guestThatIsShutOffIsRefused(@Guest TestGuest other) throws IOException {
    String name = "lucos-off-" + UUID.randomUUID();
    Path xml =
        Files.writeString(
            folder.resolve("off.xml"),
            "<domain type='qemu'><name>"
                + name
                + "</name><memory unit='MiB'>64</memory>"
                + "<os><type arch='x86_64'>hvm</type></os></domain>");
    Virsh.run("define", xml.toString());
    try {
      Refusal refusal = Operator.refusal(() -> apply(name, other));
      assertThat(refusal.code()).isEqualTo("domain-not-running");
      assertThat(refusal.message()).contains(name);
      assertThat(Virsh.run("domstate", name)).isEqualTo("shut off");
    } finally {
      Virsh.run("undefine", name);
    }
  }

  @Test
  void unknownGuestIsRefused(@Guest TestGuest other) {
    Refusal refusal = Operator.refusal(() -> apply("lucos-no-such-guest", other));
    assertThat(refusal.code()).isEqualTo("domain-not-found");
    assertThat(refusal.message()).contains("lucos-no-such-guest");
  }

  @Test
  @Contract
  void guestThatAnotherControllerWorksOnIsBusy(@Guest TestGuest guest) {
    Operator operator = new Operator(guest);
    Path bundle = operator.bundle(PATCH.recipe());
    Settings settings = operator.settings();
    try (GuestHost host = Place.current().open();
        GuestDomain domain = host.attach(guest.name());
        GuestLock lock =
            GuestLock.take(
                settings.locks(), domain.identity(), Duration.ofSeconds(5), settings.clock())) {
      assertThat(lock).isNotNull();
      var refusal =
          Operator.refusal(
              BusyRefusal.GuestBusy.class, () -> operator.apply(bundle, Operator.PATIENCE));
      assertThat(refusal.guest()).isEqualTo(guest.name());
      assertThat(refusal.owner()).contains("pid " + ProcessHandle.current().pid());
    }
    PATCH.assertNotSeen(guest);
    operator.apply(bundle, Operator.PATIENCE);
    operator.revert(PATCH.recipe());
  }

  @ParameterizedTest
  @ValueSource(strings = {"module.sig_enforce=1", "lockdown=integrity"})
  void guestThatTakesNoUnsignedModulesIsNotWritten(String policy) {
    try (TestGuest guest = TestGuest.boot(GuestSpec.cloud("6.1").withCommandLine(policy))) {
      RefusalsTest.assertRefusedUnharmed(
          guest,
          Bundles.of(PATCH.recipe(), guest.release()),
          GuestRefusal.ModulesForbidden.class,
          policy.substring(0, 8).equals("lockdown") ? "lockdown" : "sig_enforce");
    }
  }

  private static void apply(String name, TestGuest other) {
    new ApplyPatch(Bundles.settings())
        .run(
            new ApplyPatch.Request(
                name,
                Bundles.of(PATCH.recipe(), other.release()),
                Operator.HASTE,
                Operator.HASTE,
                false),
            Progress.SILENT);
  }
}
