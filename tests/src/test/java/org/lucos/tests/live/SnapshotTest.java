package org.lucos.tests.live;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.lucos.tests.guest.HostedGuest;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Guests that go back to a snapshot of their qcow2 disk and memory ({@code virsh snapshot-revert}),
 * or are suspended and resumed, while they are patched or are being patched: what is told is what
 * is in their memory.
 */
@ExtendWith(TwoHosts.Resolver.class)
class SnapshotTest {
  private static final Logger LOG = LoggerFactory.getLogger(SnapshotTest.class);
  private static final Mechanism PATCH = Mechanism.CMDLINE;
  private static final String UNPATCHED = "unpatched";
  private static final String PATCHED = "patched";

  @Test
  void whatIsToldIsWhatTheGuestWentBackTo(TwoHosts hosts) {
    try (HostedGuest guest = hosts.here().bootWithSnapshots("lucos-returns")) {
      HostedOperator operator = new HostedOperator(guest, PATCH);
      take(guest, UNPATCHED);
      operator.apply().assertOk();
      suspendedAndResumed(operator);
      take(guest, PATCHED);

      goneBackInTheMidst(operator, false, UNPATCHED);
      goBack(guest, PATCHED);
      told(operator, true);
      operator.revert().assertOk();
      goneBackInTheMidst(operator, true, PATCHED);
      operator.revert().assertOk();
      PATCH.assertNotSeen(guest);
      assertThat(guest.troubles()).isEmpty();
    }
  }

  private static void suspendedAndResumed(HostedOperator operator) {
    HostedGuest guest = operator.guest();
    guest.host().virsh("suspend", guest.name());
    assertThat(operator.states()).containsExactly("applied");
    operator.revert().assertRefused("domain-not-running");
    assertThat(guest.state()).as("it is not resumed by that").isEqualTo("paused");
    guest.host().virsh("resume", guest.name());
    told(operator, true);
  }

  /** Whatever a command ended with, the next ones tell what there is, and go on from there. */
  private static void goneBackInTheMidst(HostedOperator operator, boolean apply, String snapshot) {
    HostedGuest guest = operator.guest();
    HostLucos.Running running =
        apply
            ? operator.startApply().await("-- load module")
            : operator.startRevert("--timeout=20s").await("-- restore functions");
    goBack(guest, snapshot);
    HostLucos.Answer answer = running.end();
    boolean seen = operator.isSeen();
    LOG.info("apply={}, back to {}: seen={}, {}", apply, snapshot, seen, answer.json());
    if (answer.exit() == 0) {
      assertThat(seen).as("what a command says that it has done").isEqualTo(apply);
    }
    assertThat(guest.state()).isEqualTo("running");
    assertThat(operator.states().contains("applied")).isEqualTo(seen);
    assertThat(operator.recover()).isIn("nothing", seen == apply ? "finished" : "undone");
    operator.assertApplied(seen);
    if (seen != apply) {
      operator.start(apply).end().assertOk();
      operator.assertApplied(apply);
    }
  }

  /** By status, and by verify and the guest itself. */
  private static void told(HostedOperator operator, boolean applied) {
    assertThat(operator.states()).hasSize(applied ? 1 : 0).isSubsetOf("applied");
    operator.assertApplied(applied);
  }

  private static void take(HostedGuest guest, String snapshot) {
    guest.host().virsh("snapshot-create-as", guest.name(), snapshot);
  }

  private static void goBack(HostedGuest guest, String snapshot) {
    guest.host().virsh("snapshot-revert", guest.name(), snapshot, "--running");
    guest.reconnect();
  }
}
