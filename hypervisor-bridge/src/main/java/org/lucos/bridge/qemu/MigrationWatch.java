package org.lucos.bridge.qemu;

import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.LongSupplier;
import org.lucos.bridge.domain.DomainRefusal;
import org.lucos.bridge.domain.DomainRefusedException;
import org.lucos.bridge.domain.DomainState;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps a controller's hands off a guest that is being migrated, saved or dumped: by default it is
 * refused, or waited for until that has ended.
 */
final class MigrationWatch {
  private static final Logger LOG = LoggerFactory.getLogger(MigrationWatch.class);
  private static final Duration LOOK_EVERY = Duration.ofMillis(200);

  private final DomainControl control;
  private final QemuMonitor monitor;
  private final BooleanSupplier alive;
  private final LongSupplier nanoClock;
  private Duration patience = Duration.ZERO;
  private boolean seen;

  /**
   * @param alive whether the guest's process is still there
   */
  MigrationWatch(
      DomainControl control, QemuMonitor monitor, BooleanSupplier alive, LongSupplier nanoClock) {
    this.control = control;
    this.monitor = monitor;
    this.alive = alive;
    this.nanoClock = nanoClock;
  }

  /** How long {@link #requireSettled} waits for a migration to end; not at all at first. */
  void hold(Duration longest) {
    patience = longest;
  }

  /**
   * Waits for a migration, save or dump to end.
   *
   * @throws DomainRefusedException with {@link DomainRefusal.Migrating} if it goes on for longer
   *     than {@link #hold} allows, {@link DomainRefusal.LeftHost} if it took the guest away, {@link
   *     DomainRefusal.NotRunning} if there is no guest
   */
  void requireSettled() {
    long start = nanoClock.getAsLong();
    while (true) {
      requireHere();
      Optional<String> job = job();
      if (job.isEmpty()) {
        requireHere(); // it may have been let go between the two
        return;
      }
      seen = true;
      if (nanoClock.getAsLong() - start >= patience.toNanos()) {
        throw new DomainRefusedException(new DomainRefusal.Migrating(name(), job.get()));
      }
      LockSupport.parkNanos(LOOK_EVERY.toNanos());
    }
  }

  /** The migration, save or dump that goes on, in a few words. */
  Optional<String> job() {
    try {
      return control.activeJob().or(monitor::activeMigration);
    } catch (DomainRefusedException e) {
      if (e.refusal() instanceof DomainRefusal.Migrating migrating) {
        return Optional.of(migrating.status()); // libvirt keeps the domain to itself
      }
      if (e.refusal() instanceof DomainRefusal.HypervisorFailure && !alive.getAsBoolean()) {
        throw new DomainRefusedException(gone(), e);
      }
      throw e;
    }
  }

  /**
   * To be called right after a pause of ours. libvirt has a guest arrive as it was when its
   * migration (or its save) began: one that begins while we hold the guest would leave it paused
   * elsewhere. It is cancelled; the guest runs on here, and whoever began it is told by libvirt.
   */
  void endWhatBeganInAPause() {
    try {
      Optional<String> job = control.activeJob();
      if (job.isPresent()) {
        seen = true;
        control.cancelJob();
        LOG.warn(
            "a migration or save of domain '{}' that began while it was paused is cancelled, or the"
                + " guest would arrive paused; begin it anew",
            name());
      }
    } catch (DomainRefusedException e) {
      LOG.warn("what a migration that began in a pause came to is not known: {}", e.getMessage());
    }
  }

  private void requireHere() {
    if (!alive.getAsBoolean()) {
      throw new DomainRefusedException(gone());
    }
  }

  /** Why there is no process any more, as far as this side can tell. */
  DomainRefusal gone() {
    return seen
        ? new DomainRefusal.LeftHost(name())
        : new DomainRefusal.NotRunning(name(), DomainState.SHUT_OFF);
  }

  private String name() {
    return control.identity().name();
  }
}
