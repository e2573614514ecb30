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
      at(guest).apply().assertOk();

      Path patched = save(guest);
      at(guest).ask("status").assertRefused("domain-not-found");
      restore(guest, patched);
      PATCH.assertSeen(guest);
      assertThat(at(guest).states()).containsExactly("applied");
      at(guest).ask("verify").assertOk();

      guest.host().virsh("destroy", guest.name());
      restore(guest, unpatched); // as a snapshot is reverted to: the memory of then
      PATCH.assertNotSeen(guest);
      assertThat(at(guest).states()).isEmpty();
      assertThat(guest.modules()).isEmpty();

      guest.host().virsh("destroy", guest.name());
      restore(guest, patched);
      at(guest).revert().assertOk();
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
    HostLucos.Running applying = at(guest).startApply("--timeout=4s");
    applying.await("-- load module");
    guest.host().virsh("suspend", guest.name());
    HostLucos.Answer applied = applying.end();
    assertThat(guest.state()).isEqualTo("paused");
    guest.host().virsh("resume", guest.name());
    found(guest, applied, "domain-not-running");
  }

  /** The rest of the operation is for the guest as it comes back. */
  private static void savedInTheMidst(HostedGuest guest) {
    HostLucos.Running applying = at(guest).startApply().await("-- load module");
    Path file = guest.host().run("midst.save");
    boolean saved = isSaved(guest, file);
    HostLucos.Answer applied = applying.end();
    if (saved) {
      restore(guest, file);
    } // else it began in a pause, and is cancelled
    found(guest, applied, "guest-left-host", "domain-not-running", "migration-in-progress");
  }

  private static void endedInTheMidst(HostedGuest guest) {
    HostLucos.Running applying = at(guest).startApply().await("-- load module");
    guest.host().virsh("destroy", guest.name());
    applying.end().assertRefused("domain-not-running");
  }

  /** Whatever an apply told, status tells what is so, and apply or revert go on from there. */
  private static void found(HostedGuest guest, HostLucos.Answer applied, String... refusals) {
    if (applied.exit() == 0) {
      assertThat(at(guest).states()).containsExactly("applied");
    } else {
      assertThat(applied.error()).as(applied.json().toString()).isIn((Object[]) refusals);
      assertThat(at(guest).states()).isSubsetOf("loaded");
      PATCH.assertNotSeen(guest);
      at(guest).apply().assertOk();
    }
    PATCH.assertSeen(guest);
    at(guest).revert().assertOk();
    assertThat(guest.modules()).isEmpty();
  }

  private static HostedOperator at(HostedGuest guest) {
    return new HostedOperator(guest, PATCH);
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
