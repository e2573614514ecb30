package org.lucos.patcher.transaction;

import java.time.Duration;
import java.util.EnumMap;
import java.util.Map;
import java.util.function.Supplier;

/**
 * How long one pause may last, and where its time goes. What counts is what the guest feels: all
 * time from the order to stop it, also time that the host gave to others.
 */
final class PauseBudget {
  private final Duration limit;
  private final Duration reserve;
  private final Supplier<Duration> elapsed;
  private final Map<PausePhase, Duration> phases = new EnumMap<>(PausePhase.class);
  private Duration spent = Duration.ZERO;

  /** The time has run out. */
  static final class Exceeded extends Exception {
    private static final long serialVersionUID = 1L;

    private final PausePhase phase;
    private final Duration after;

    private Exceeded(PausePhase phase, Duration after) {
      super("pause too long in " + phase + ": " + after, null, false, false);
      this.phase = phase;
      this.after = after;
    }

    /** In which phase. */
    PausePhase phase() {
      return phase;
    }

    /** How long the guest had been stopped at its end. */
    Duration after() {
      return after;
    }
  }

  /**
   * @param reserve what letting the guest run takes by experience, which nothing else may use
   * @param elapsed how long the guest has been stopped
   */
  PauseBudget(Duration limit, Duration reserve, Supplier<Duration> elapsed) {
    this.limit = limit;
    this.reserve = reserve;
    this.elapsed = elapsed;
  }

  /** Books the time since the last phase. */
  void ended(PausePhase phase) throws Exceeded {
    Duration now = elapsed.get();
    phases.merge(phase, now.minus(spent), Duration::plus);
    spent = now;
    if (now.plus(reserve).compareTo(limit) > 0) {
      throw new Exceeded(phase, now);
    }
  }

  /** What is left for all phases to come but the last. */
  Duration left() {
    return limit.minus(reserve).minus(elapsed.get());
  }

  /** How long each phase took that has ended. */
  Map<PausePhase, Duration> phases() {
    return Map.copyOf(phases);
  }
}
