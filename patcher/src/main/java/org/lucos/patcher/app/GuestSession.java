package org.lucos.patcher.app;

import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.lucos.bridge.domain.DomainRefusal;
import org.lucos.bridge.domain.DomainRefusedException;
import org.lucos.bridge.domain.DomainState;
import org.lucos.bridge.domain.GuestDomain;
import org.lucos.bridge.domain.GuestHost;
import org.lucos.patcher.guestcall.Nudge;
import org.lucos.patcher.kernel.RunningKernel;
import org.lucos.patcher.transaction.GuestLock;
import org.lucos.patcher.transaction.GuestPatch;
import org.lucos.patcher.transaction.PatchSwitch;

/**
 * A guest that is being worked on: connection, domain, kernel, and the lock where it is written.
 */
final class GuestSession implements AutoCloseable {
  private final GuestHost host;
  private final GuestDomain domain;
  private final RunningKernel kernel;
  private final @Nullable GuestLock lock;
  private final GuestAgent agent;

  private GuestSession(
      GuestHost host, GuestDomain domain, RunningKernel kernel, @Nullable GuestLock lock) {
    this.agent = new GuestAgent(domain);
    this.host = host;
    this.domain = domain;
    this.kernel = kernel;
    this.lock = lock;
  }

  /** Opens a guest for reading. */
  static GuestSession reading(Settings settings, String guest) {
    return open(settings, guest, null);
  }

  /**
   * Opens a guest for writing: it must be running, and nobody else may be at work in it.
   *
   * @param limits how long to wait for another command, or a migration, to end
   */
  static GuestSession writing(Settings settings, String guest, SwitchLimits limits) {
    return open(settings, guest, limits);
  }

  private static GuestSession open(
      Settings settings, String guest, @Nullable SwitchLimits writing) {
    Duration waitMigration = writing == null ? Duration.ZERO : writing.waitMigration();
    GuestHost host = settings.connect();
    GuestDomain domain = null;
    GuestLock lock = null;
    try {
      domain = MigrationHold.attach(host, guest, waitMigration);
      if (writing != null) {
        domain.holdForMigration(waitMigration);
        domain.requireSettled();
        lock =
            GuestLock.take(
                settings.locks(), domain.identity(), writing.lockWait(), settings.clock());
        DomainState state = domain.state();
        if (state != DomainState.RUNNING) {
          throw new DomainRefusedException(
              new DomainRefusal.NotRunning(domain.identity().name(), state));
        }
        domain.expectPauses();
      }
      domain.holdForMigration(
          waitMigration.compareTo(MigrationHold.AT_WORK) > 0
              ? waitMigration
              : MigrationHold.AT_WORK);
      RunningKernel kernel = RunningKernel.attach(domain, settings.cache().resolve("running"));
      return new GuestSession(host, domain, kernel, lock);
    } catch (RuntimeException e) {
      closeAll(lock, domain, host);
      throw e;
    }
  }

  GuestDomain domain() {
    return domain;
  }

  RunningKernel kernel() {
    return kernel;
  }

  /** The guest's agent, if it has one, as far as this operation has to do with it. */
  GuestAgent agent() {
    return agent;
  }

  /**
   * Has the agent's word on who is inside of the functions of these patches, if it may be asked.
   */
  void askInside(SwitchLimits limits, List<GuestPatch> patches) {
    if (limits.agent()) {
      agent.askInside(patches);
    }
  }

  /** What moves patches between their states in this guest. */
  PatchSwitch patchSwitch(SwitchLimits limits) {
    return new PatchSwitch(
        kernel,
        limits.maxPause(),
        limits.callbackLimit(),
        limits.kickAfter(),
        limits.agent() ? agent : Nudge.NONE);
  }

  /** What to throw for a failure at work: what became of the guest may explain it. */
  RuntimeException explain(RuntimeException failure) {
    return GuestFate.explain(kernel, failure);
  }

  Report.Guest describe() {
    return new Report.Guest(
        domain.identity().name(),
        domain.identity().uuid().toString(),
        kernel.identity().release(),
        kernel.identity().buildId());
  }

  @Override
  public void close() {
    try (agent) {
      closeAll(lock, domain, host);
    }
  }

  private static void closeAll(
      @Nullable GuestLock lock, @Nullable GuestDomain domain, GuestHost host) {
    try {
      if (domain != null) {
        domain.close();
      }
    } finally {
      try {
        host.close();
      } finally {
        if (lock != null) {
          lock.close();
        }
      }
    }
  }
}
