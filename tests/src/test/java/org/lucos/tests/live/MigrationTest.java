package org.lucos.tests.live;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.lucos.patcher.refusal.ExitCode;
import org.lucos.tests.guest.GuestHost;
import org.lucos.tests.guest.HostedGuest;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Guests that are migrated live between two libvirt hosts after, during and before patching. */
@ExtendWith(TwoHosts.Resolver.class)
class MigrationTest {
  private static final Logger LOG = LoggerFactory.getLogger(MigrationTest.class);
  private static final Mechanism PATCH = Mechanism.CMDLINE;

  /** So slow that it does not end before it is told to be fast: MiB a second. */
  private static final String[] SLOW = {"--bandwidth", "1"};

  @Test
  void patchedGuestRunsPatchedCodeWhereItGoesAndIsRevertedThere(TwoHosts hosts) throws Exception {
    try (HostedGuest guest = hosts.here().boot("lucos-moves")) {
      at(guest).apply().assertOk();
      PATCH.assertSeen(guest);
      move(guest, hosts.there());

      PATCH.assertSeen(guest);
      assertThat(at(guest).states()).containsExactly("applied");
      at(guest).ask("verify").assertOk();
      HostLucos.run(hosts.here(), "status", guest.name()).assertRefused("domain-not-found");

      whileMigratedNothingIsChanged(guest, hosts.here());
      assertThat(at(guest).states()).containsExactly("applied");
      HostLucos.Answer reverted = at(guest).revert();
      reverted.assertOk();
      PATCH.assertNotSeen(guest);
      assertThat(guest.modules()).isEmpty();

      migrationThatIsCancelledLetsTheWaitingOneGoOn(guest, hosts.there());
      assertThat(guest.troubles()).isEmpty();
    }
  }

  /** Goes with a guest that is applied: a revert is refused, one that waits is told it has left. */
  private static void whileMigratedNothingIsChanged(HostedGuest guest, GuestHost other)
      throws InterruptedException {
    Process migration = guest.startMigration(other, SLOW);
    awaitJob(guest);
    HostLucos.Answer refused = at(guest).revert();
    refused.assertRefused("migration-in-progress");
    assertThat(refused.exit()).isEqualTo(ExitCode.GUEST_UNAVAILABLE.value());
    assertThat(refused.json().at("/error/remedy").asText()).contains("--wait-migration");

    HostLucos.Running waiting = at(guest).startRevert("--wait-migration=10m");
    waiting.await("waiting for the guest");
    guest.host().virsh("migrate-setspeed", guest.name(), "8000");
    assertThat(migration.waitFor(2, TimeUnit.MINUTES)).as("the migration ends").isTrue();
    assertThat(migration.exitValue()).as("and is not disturbed").isZero();
    waiting.end().assertRefused("guest-left-host");
    guest.arrived(other);
    PATCH.assertSeen(guest);
  }

  private static void migrationThatIsCancelledLetsTheWaitingOneGoOn(
      HostedGuest guest, GuestHost other) throws InterruptedException {
    Process migration = guest.startMigration(other, SLOW);
    awaitJob(guest);
    HostLucos.Running waiting = at(guest).startApply("--wait-migration=10m");
    waiting.await("waiting for the guest");
    PATCH.assertNotSeen(guest);
    guest.host().virsh("domjobabort", guest.name());
    assertThat(migration.waitFor(2, TimeUnit.MINUTES)).isTrue();
    assertThat(migration.exitValue()).isNotZero();
    waiting.end().assertOk();
    PATCH.assertSeen(guest);
    at(guest).revert().assertOk();
  }

  @Test
  void migrationThatBeginsInTheMidstOfAnApplyLeavesATruthfulState(TwoHosts hosts) throws Exception {
    try (HostedGuest guest = hosts.here().boot("lucos-goes")) {
      HostLucos.Running applying = at(guest).startApply().await("-- load module");
      Thread.sleep(700); // most often, a guest call waits by then
      Process migration = guest.startMigration(hosts.there());
      assertThat(migration.waitFor(2, TimeUnit.MINUTES)).isTrue();
      boolean moved = migration.exitValue() == 0; // one that begins in a pause is cancelled
      HostLucos.Answer applied = applying.end();
      LOG.info("moved={}, applied={}", moved, applied.json());
      if (moved) {
        guest.arrived(hosts.there());
      }
      assertThat(guest.state()).as("it runs where it is").isEqualTo("running");
      if (applied.exit() == 0) {
        PATCH.assertSeen(guest);
        assertThat(at(guest).states()).containsExactly("applied");
      } else {
        assertThat(moved).as(applied.json().toString()).isTrue();
        assertThat(applied.error())
            .isIn("guest-left-host", "domain-not-running", "migration-in-progress");
        PATCH.assertNotSeen(guest);
        assertThat(at(guest).states()).isSubsetOf("loaded");
        at(guest).apply().assertOk(); // what the other host left is cleared away
        PATCH.assertSeen(guest);
      }
      at(guest).ask("verify").assertOk();
      at(guest).revert().assertOk();
      PATCH.assertNotSeen(guest);
      assertThat(guest.modules()).isEmpty();
      assertThat(guest.troubles()).isEmpty();
    }
  }

  private static void move(HostedGuest guest, GuestHost other) throws InterruptedException {
    Process migration = guest.startMigration(other);
    assertThat(migration.waitFor(2, TimeUnit.MINUTES)).isTrue();
    assertThat(migration.exitValue()).isZero();
    guest.arrived(other);
  }

  private static void awaitJob(HostedGuest guest) throws InterruptedException {
    for (int i = 0; i < 600 && jobType(guest).contains("None"); i++) {
      Thread.sleep(100);
    }
    assertThat(jobType(guest)).contains("Unbounded");
  }

  private static String jobType(HostedGuest guest) {
    return guest.host().virsh("domjobinfo", guest.name()).lines().findFirst().orElse("");
  }

  private static HostedOperator at(HostedGuest guest) {
    return new HostedOperator(guest, PATCH);
  }
}
