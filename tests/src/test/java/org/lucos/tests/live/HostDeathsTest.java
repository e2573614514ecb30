package org.lucos.tests.live;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.lucos.tests.guest.GuestHost;
import org.lucos.tests.guest.HostedGuest;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * libvirtd, in the midst of an apply and of a revert, and QEMU, in that of an apply, are killed
 * (signal 9): the command ends, with a refusal; and what {@code status} and {@code recover} say
 * afterwards is true, and the next run succeeds. The daemon and the guest are those of a host of
 * the test's own.
 */
class HostDeathsTest {
  private static final Logger LOG = LoggerFactory.getLogger(HostDeathsTest.class);

  /** A watchdog that finds neither guest nor libvirt gives up after a minute and a quarter. */
  private static final Duration BOUND = Duration.ofMinutes(3);

  @Test
  void whoeverIsKilledTheCommandEndsAndTheNextOnesTellTheTruth() throws Exception {
    try (GuestHost host = GuestHost.start();
        HostedGuest guest = host.boot("lucos-deaths")) {
      HostedOperator operator = new HostedOperator(guest, Mechanism.CMDLINE);
      libvirtIsKilled(operator, true, "-- load module");
      libvirtIsKilled(operator, false, "-- unload module");
      assertThat(guest.troubles()).isEmpty();

      qemuIsKilled(operator, "-- load module");
      assertThat(guest.troubles()).isEmpty();
    }
  }

  /** The guest runs on without its daemon; a patched one ends patched, or the other way round. */
  private static void libvirtIsKilled(HostedOperator operator, boolean apply, String phase)
      throws Exception {
    HostedGuest guest = operator.guest();
    HostLucos.Running running = operator.start(apply).await(phase);
    guest.host().killLibvirt();
    HostLucos.Answer answer = end(running);
    boolean applied = operator.isSeen(); // by a program in the guest: nobody is needed for that
    guest.host().startLibvirt();
    assertThat(guest.state()).isEqualTo("running");
    LOG.info("libvirtd killed, apply={}: {}, seen={}", apply, answer.json(), applied);
    boolean told = answer.exit() == 0 || answer.error().equals("left-unfinished");
    if (told) {
      assertThat(applied).as("it is switched").isEqualTo(apply);
    } else {
      answer.assertRefused("hypervisor-failure");
    }

    HostLucos.Answer status = operator.ask("status");
    List<String> states = HostedOperator.states(status);
    assertThat(states).as("status").isSubsetOf("applied", "loaded");
    assertThat(states.contains("applied")).as("status").isEqualTo(applied);
    boolean begun = tellsOfRecovery(status);
    assertThat(begun || !states.contains("loaded")).as("what is left behind is told of").isTrue();
    assertThat(operator.recover())
        .isEqualTo(!begun ? "nothing" : applied == apply ? "finished" : "undone");
    assertThat(operator.isSeen()).isEqualTo(applied);
    if (applied != apply) {
      end(operator.start(apply)).assertOk();
    }
    operator.assertApplied(apply);
  }

  /**
   * Nothing of a patch outlives its guest: the domain that is started anew is told to be without.
   */
  private static void qemuIsKilled(HostedOperator operator, String phase) throws Exception {
    HostedGuest guest = operator.guest();
    HostLucos.Running running = operator.start(true).await(phase);
    guest.host().killQemu(guest.name());
    HostLucos.Answer answer = end(running);
    LOG.info("QEMU killed: {}", answer.json());
    answer.assertRefused("domain-not-running");
    operator.ask("status").assertRefused("domain-not-found");

    guest.startAnew();
    HostLucos.Answer status = operator.ask("status");
    assertThat(status.json().at("/result/patches")).isEmpty();
    assertThat(tellsOfRecovery(status)).isTrue();
    assertThat(operator.recover()).isEqualTo("lost-to-reboot");
    assertThat(guest.modules()).isEmpty();
    end(operator.start(true)).assertOk();
    operator.assertApplied(true);
  }

  private static boolean tellsOfRecovery(HostLucos.Answer status) {
    status.assertOk();
    return status.json().at("/result/notes").toString().contains("lucos recover");
  }

  private static HostLucos.Answer end(HostLucos.Running running) throws Exception {
    long start = System.nanoTime();
    HostLucos.Answer answer =
        CompletableFuture.supplyAsync(running::end).get(BOUND.toSeconds(), TimeUnit.SECONDS);
    LOG.info("ended after {} ms", Duration.ofNanos(System.nanoTime() - start).toMillis());
    return answer;
  }
}
