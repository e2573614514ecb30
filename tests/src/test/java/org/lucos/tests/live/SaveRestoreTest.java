package org.lucos.tests.live;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.lucos.tests.guest.GuestFailure;
import org.lucos.tests.guest.HostedGuest;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Guests that are stopped, saved and brought back as they were or had been, or end for good. */
@ExtendWith(TwoHosts.Resolver.class)
class SaveRestoreTest {
  private static final Logger LOG = LoggerFactory.getLogger(SaveRestoreTest.class);
  private static final Mechanism PATCH = Mechanism.CMDLINE;

  @Test
  void whatWasSavedIsWhatIsFoundAfterwards(TwoHosts hosts) {
    try (HostedGuest guest = hosts.here().boot("lucos-rests")) {
      Path unpatched = save(guest);
      restore(guest, unpatched);
      MigrationTest.apply(guest).assertOk();

      Path patched = save(guest);
      HostLucos.run(guest.host(), "status", guest.name()).assertRefused("domain-not-found");
      restore(guest, patched);
      PATCH.assertSeen(guest);
      assertThat(MigrationTest.states(guest)).containsExactly("applied");
      MigrationTest.lucos(guest, "verify", guest.name()).assertOk();

      guest.host().virsh("destroy", guest.name());
      restore(guest, unpatched); // as a snapshot is reverted to: the memory of then
      PATCH.assertNotSeen(guest);
      assertThat(MigrationTest.states(guest)).isEmpty();
      assertThat(guest.modules()).isEmpty();

      guest.host().virsh("destroy", guest.name());
      restore(guest, patched);
      MigrationTest.revert(guest).assertOk();
      PATCH.assertNotSeen(guest);
      assertThat(guest.modules()).isEmpty();
      assertThat(guest.troubles()).isEmpty();

      suspendedInTheMidst(guest);
      savedInTheMidst(guest);
      assertThat(guest.troubles()).isEmpty();
      endedInTheMidst(guest);
    }
  }

  /** One that an operator suspends stays suspended, and nothing is claimed that is not so. */
  private static void suspendedInTheMidst(HostedGuest guest) {
    HostLucos.Running applying =
        HostLucos.start(
            guest.host(),
            "apply",
            guest.name(),
            MigrationTest.bundle(guest).toString(),
            "--timeout=4s",
            "--max-pause=5s");
    applying.await("-- load module");
    guest.host().virsh("suspend", guest.name());
    HostLucos.Answer applied = applying.end();
    assertThat(guest.state()).isEqualTo("paused");
    guest.host().virsh("resume", guest.name());
    found(guest, applied, "domain-not-running");
  }

  /** The rest of the operation is for the guest as it comes back. */
  private static void savedInTheMidst(HostedGuest guest) {
    HostLucos.Running applying = MigrationTest.startApply(guest).await("-- load module");
    Path file = guest.host().run("midst.save");
    boolean saved = isSaved(guest, file);
    HostLucos.Answer applied = applying.end();
    if (saved) {
      restore(guest, file);
    } // else it began in a pause, and is cancelled
    found(guest, applied, "guest-left-host", "domain-not-running", "migration-in-progress");
  }

  private static void endedInTheMidst(HostedGuest guest) {
    HostLucos.Running applying = MigrationTest.startApply(guest).await("-- load module");
    guest.host().virsh("destroy", guest.name());
    applying.end().assertRefused("domain-not-running");
  }

  /** Whatever an apply told, status tells what is so, and apply or revert go on from there. */
  private static void found(HostedGuest guest, HostLucos.Answer applied, String... refusals) {
    if (applied.exit() == 0) {
      assertThat(MigrationTest.states(guest)).containsExactly("applied");
    } else {
      assertThat(applied.error()).as(applied.json().toString()).isIn((Object[]) refusals);
      assertThat(MigrationTest.states(guest)).isSubsetOf("loaded");
      PATCH.assertNotSeen(guest);
      MigrationTest.apply(guest).assertOk();
    }
    PATCH.assertSeen(guest);
    MigrationTest.revert(guest).assertOk();
    assertThat(guest.modules()).isEmpty();
  }

  private static Path save(HostedGuest guest) {
    Path file = guest.host().run("saved-" + guest.modules().size());
    guest.host().virsh("save", guest.name(), file.toString());
    return file;
  }

  private static boolean isSaved(HostedGuest guest, Path file) {
    try {
      guest.host().virsh("save", guest.name(), file.toString());
      return true;
    } catch (GuestFailure e) {
      LOG.info("not saved: {}", e.getMessage());
      return false;
    }
  }

  private static void restore(HostedGuest guest, Path file) {
    guest.host().virsh("restore", file.toString(), "--running");
    guest.reconnect();
  }
}
