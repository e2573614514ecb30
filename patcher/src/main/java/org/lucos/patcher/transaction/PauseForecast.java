package org.lucos.patcher.transaction;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.EnumMap;
import java.util.Map;
import java.util.Optional;
import org.lucos.patcher.refusal.BusyRefusal;

/**
 * How long a pause will last at least: the least that each phase took in the last pauses. What does
 * not fit even so is not tried; each time that is found, the oldest experience is given up, so that
 * one bad moment of the host does not end all attempts.
 */
final class PauseForecast {
  private static final int KEPT = 3;

  private final Map<PausePhase, Deque<Duration>> seen = new EnumMap<>(PausePhase.class);

  /** Adds what a pause took. */
  void add(Map<PausePhase, Duration> phases) {
    phases.forEach(
        (phase, duration) -> {
          Deque<Duration> kept = seen.computeIfAbsent(phase, p -> new ArrayDeque<>());
          kept.addLast(duration);
          if (kept.size() > KEPT) {
            kept.removeFirst();
          }
        });
  }

  /** The least that a phase took lately; nothing if that is not known. */
  Duration of(PausePhase phase) {
    Deque<Duration> kept = seen.getOrDefault(phase, new ArrayDeque<>());
    return kept.stream().min(Duration::compareTo).orElse(Duration.ZERO);
  }

  /** What all phases from {@code first} on take. */
  Duration from(PausePhase first) {
    Duration sum = Duration.ZERO;
    for (PausePhase phase : PausePhase.values()) {
      sum = phase.compareTo(first) >= 0 ? sum.plus(of(phase)) : sum;
    }
    return sum;
  }

  /**
   * Why not to stop the guest now.
   *
   * @param check what the stack check took when it was rehearsed just now
   */
  Optional<BusyRefusal> refusal(Duration check, Duration limit) {
    Duration expected = check;
    PausePhase longest = PausePhase.STACK_CHECK;
    for (PausePhase phase : PausePhase.values()) {
      if (phase != PausePhase.STACK_CHECK) {
        expected = expected.plus(of(phase));
        Duration most = longest == PausePhase.STACK_CHECK ? check : of(longest);
        longest = of(phase).compareTo(most) > 0 ? phase : longest;
      }
    }
    if (expected.compareTo(limit) <= 0) {
      return Optional.empty();
    }
    seen.values().forEach(Deque::pollFirst);
    return Optional.of(
        new BusyRefusal.PauseTooLong(
            longest.toString(), expected.toNanos() / 1000, limit.toNanos() / 1000));
  }
}
