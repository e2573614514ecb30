package org.lucos.patcher.app;

import java.time.Duration;
import java.util.Optional;

/**
 * How long a command that changes a guest may take over it.
 *
 * @param timeout how long to try while functions are in use, and how long a guest call may wait
 * @param maxPause the longest stack check after which anything is written
 * @param callbackLimit how long each callback of a patch may run
 * @param lockWait how long to wait for another command on the same guest to end
 * @param waitMigration how long to wait for a migration of the guest to end before it is refused
 * @param kickAfter how long to wait before tasks that sleep inside are kicked; empty if none may be
 * @param agent whether the guest's agent may be asked to carry calls
 */
public record SwitchLimits(
    Duration timeout,
    Duration maxPause,
    Duration callbackLimit,
    Duration lockWait,
    Duration waitMigration,
    Optional<Duration> kickAfter,
    boolean agent) {
  /** When tasks are kicked, unless told otherwise. */
  public static final Duration KICK_AFTER = Duration.ofSeconds(2);

  /** How long a command waits for another one on the same guest, unless told otherwise. */
  public static final Duration LOCK_WAIT = Duration.ofSeconds(5);

  /** The command line's defaults. */
  public static final SwitchLimits USUAL =
      new SwitchLimits(Duration.ofSeconds(30), Settings.MAX_PAUSE)
          .kickingAfter(Optional.of(KICK_AFTER));

  /**
   * With the usual limits for callbacks and other commands; refused while it is migrated; no task
   * is kicked.
   */
  public SwitchLimits(Duration timeout, Duration maxPause) {
    this(
        timeout,
        maxPause,
        Settings.CALLBACK_LIMIT,
        LOCK_WAIT,
        Duration.ZERO,
        Optional.empty(),
        true);
  }

  /** The same with another limit for callbacks. */
  public SwitchLimits withCallbackLimit(Duration limit) {
    return new SwitchLimits(timeout, maxPause, limit, lockWait, waitMigration, kickAfter, agent);
  }

  /** The same with patience for a migration. */
  public SwitchLimits waitingForMigration(Duration longest) {
    return new SwitchLimits(timeout, maxPause, callbackLimit, lockWait, longest, kickAfter, agent);
  }

  /** The same without the guest's agent. */
  public SwitchLimits withoutAgent() {
    return new SwitchLimits(
        timeout, maxPause, callbackLimit, lockWait, waitMigration, kickAfter, false);
  }

  /** The same with tasks kicked, or not. */
  public SwitchLimits kickingAfter(Optional<Duration> wait) {
    return new SwitchLimits(timeout, maxPause, callbackLimit, lockWait, waitMigration, wait, agent);
  }
}
