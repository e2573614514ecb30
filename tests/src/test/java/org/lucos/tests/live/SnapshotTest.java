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
      take(guest, UNPATCHED);
      MigrationTest.apply(guest).assertOk();
      suspendedAndResumed(guest);
      take(guest, PATCHED);

      goneBackInTheMidst(guest, false, UNPATCHED);
      goBack(guest, PATCHED);
      told(guest, true);
      MigrationTest.revert(guest).assertOk();
      goneBackInTheMidst(guest, true, PATCHED);
      MigrationTest.revert(guest).assertOk();
      PATCH.assertNotSeen(guest);
      assertThat(guest.troubles()).isEmpty();
    }
  }

  private static void suspendedAndResumed(HostedGuest guest) {
    guest.host().virsh("suspend", guest.name());
    assertThat(MigrationTest.states(guest)).containsExactly("applied");
    MigrationTest.revert(guest).assertRefused("domain-not-running");
    assertThat(guest.state()).as("it is not resumed by that").isEqualTo("paused");
    guest.host().virsh("resume", guest.name());
    told(guest, true);
  }

  /** Whatever a command ended with, the next ones tell what there is, and go on from there. */
  private static void goneBackInTheMidst(HostedGuest guest, boolean apply, String snapshot) {
    HostLucos.Running running =
        apply
            ? MigrationTest.startApply(guest).await("-- load module")
            : HostLucos.start(
                    guest.host(),
                    "revert",
                    guest.name(),
                    PATCH.recipe(),
                    "--timeout=20s",
                    "--max-pause=5s")
                .await("-- restore functions");
    goBack(guest, snapshot);
    HostLucos.Answer answer = running.end();
    boolean seen = isSeen(guest);
    LOG.info("apply={}, back to {}: seen={}, {}", apply, snapshot, seen, answer.json());
    if (answer.exit() == 0) {
      assertThat(seen).as("what a command says that it has done").isEqualTo(apply);
    }
    assertThat(guest.state()).isEqualTo("running");
    assertThat(MigrationTest.states(guest).contains("applied")).isEqualTo(seen);
    HostLucos.Answer recovered = MigrationTest.lucos(guest, "recover", guest.name());
    recovered.assertOk();
    assertThat(recovered.json().at("/result/finding").asText())
        .isIn("nothing", seen == apply ? "finished" : "undone");
    verified(guest, seen);
    if (seen != apply) {
      (apply ? MigrationTest.apply(guest) : MigrationTest.revert(guest)).assertOk();
      verified(guest, apply);
    }
  }

  private static boolean isSeen(HostedGuest guest) {
    return guest.run(PATCH.command()).matches(PATCH.answer());
  }

  /** By status, and by verify and the guest itself. */
  private static void told(HostedGuest guest, boolean applied) {
    assertThat(MigrationTest.states(guest)).hasSize(applied ? 1 : 0).isSubsetOf("applied");
    verified(guest, applied);
  }

  private static void verified(HostedGuest guest, boolean applied) {
    assertThat(isSeen(guest)).isEqualTo(applied);
    assertThat(guest.modules()).hasSize(applied ? 1 : 0);
    HostLucos.Answer verified = MigrationTest.lucos(guest, "verify", guest.name());
    verified.assertOk();
    assertThat(verified.json().at("/result/patches").asInt()).isEqualTo(applied ? 1 : 0);
  }

  private static void take(HostedGuest guest, String snapshot) {
    guest.host().virsh("snapshot-create-as", guest.name(), snapshot);
  }

  private static void goBack(HostedGuest guest, String snapshot) {
    guest.host().virsh("snapshot-revert", guest.name(), snapshot, "--running");
    guest.reconnect();
  }
}
