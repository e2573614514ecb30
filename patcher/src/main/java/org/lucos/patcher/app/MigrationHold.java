package org.lucos.patcher.app;

import java.time.Duration;
import org.lucos.bridge.domain.DomainRefusal;
import org.lucos.bridge.domain.DomainRefusedException;
import org.lucos.bridge.domain.GuestDomain;
import org.lucos.bridge.domain.GuestHost;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Attaching to guests that are being migrated or saved: refused, or held until that has ended. */
final class MigrationHold {
  /**
   * How long a command that is at work waits, told or not: the guest is left in order where a
   * migration that begins in the midst of it fails or is soon over.
   */
  static final Duration AT_WORK = Duration.ofSeconds(30);

  private static final Logger LOG = LoggerFactory.getLogger(MigrationHold.class);
  private static final Duration LOOK_EVERY = Duration.ofMillis(500);

  private MigrationHold() {}

  /**
   * Attaches to a guest, waiting up to {@code longest} for a migration of it to end.
   *
   * @throws DomainRefusedException with {@link DomainRefusal.LeftHost} if it has taken it away
   */
  static GuestDomain attach(GuestHost host, String guest, Duration longest) {
    long start = System.nanoTime();
    boolean seen = false;
    while (true) {
      try {
        return host.attach(guest);
      } catch (DomainRefusedException e) {
        boolean migrating = e.refusal() instanceof DomainRefusal.Migrating;
        if (seen && isGone(e.refusal())) {
          throw new DomainRefusedException(new DomainRefusal.LeftHost(guest), e);
        }
        if (!migrating || System.nanoTime() - start >= longest.toNanos()) {
          throw e;
        }
        if (!seen) {
          LOG.info("waiting for the guest: {}", e.getMessage());
        }
        seen = true;
        sleep();
      }
    }
  }

  private static boolean isGone(DomainRefusal refusal) {
    return refusal instanceof DomainRefusal.NotFound || refusal instanceof DomainRefusal.NotRunning;
  }

  private static void sleep() {
    try {
      Thread.sleep(LOOK_EVERY.toMillis());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while waiting for a migration to end", e);
    }
  }
}
