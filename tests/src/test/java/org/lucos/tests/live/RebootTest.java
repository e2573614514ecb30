package org.lucos.tests.live;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.lucos.tests.guest.HostedGuest;

/** Guests that are reset or crash at moments of a patch's life. */
@ExtendWith(TwoHosts.Resolver.class)
class RebootTest {
  private static final Mechanism PATCH = Mechanism.CMDLINE;
  private static final Mechanism SLEEP = Mechanism.NANOSLEEP;

  @Test
  void guestThatStartsAnewIsNeverWrittenForWhatItWas(TwoHosts hosts) throws Exception {
    try (HostedGuest guest = hosts.here().boot("lucos-starts")) {
      resetWhileAGuestCallWaits(guest);
      resetBetweenLoadAndSwitch(guest);
      at(guest).apply().assertOk();
      PATCH.assertSeen(guest);
      assertThat(guest.troubles()).isEmpty();
      panics(guest);
    }
  }

  private static void resetWhileAGuestCallWaits(HostedGuest guest) throws InterruptedException {
    HostLucos.Running applying = at(guest).startApply().await("-- load module");
    Thread.sleep(300);
    reset(guest);
    // The other, if the reset came before the first pause that looked at the CPUs.
    assertThat(applying.end().error()).isIn("guest-rebooted", "kernel-not-running");
    bootedClean(guest);
  }

  /** A task sleeps in the function, so attempts are put off and repeated until the reset. */
  private static void resetBetweenLoadAndSwitch(HostedGuest guest) {
    guest.run("sleep 5000 >/dev/null 2>&1 & echo $!");
    HostLucos.Running applying = new HostedOperator(guest, SLEEP).startApply();
    applying.await("switch put off").await("switch put off");
    reset(guest);
    applying.end().assertRefused("guest-rebooted");
    bootedClean(guest);
  }

  private static HostedOperator at(HostedGuest guest) {
    return new HostedOperator(guest, PATCH);
  }

  private static void reset(HostedGuest guest) {
    guest.host().virsh("reset", guest.name());
  }

  private static void bootedClean(HostedGuest guest) {
    guest.reconnect();
    assertThat(guest.state()).isEqualTo("running");
    assertThat(at(guest).states()).as("a boot begins without patches").isEmpty();
    assertThat(guest.modules()).isEmpty();
    assertThat(guest.troubles()).isEmpty();
  }

  /** Without a panic device: for QEMU and libvirt it runs on. */
  private static void panics(HostedGuest guest) throws InterruptedException {
    guest.run(
        "(sleep 1; echo 0 >/proc/sys/kernel/panic; echo c >/proc/sysrq-trigger) >/dev/null 2>&1 &");
    for (int i = 0; i < 600 && !guest.consoleLog().contains("Kernel panic"); i++) {
      Thread.sleep(100);
    }
    assertThat(guest.state()).isEqualTo("running");
    HostLucos.Answer status = at(guest).ask("status");
    status.assertRefused("kernel-not-found");
    assertThat(status.json().at("/error/message").asText()).contains("panicked");
  }
}
