package org.lucos.patcher.transaction;

import java.time.Duration;
import java.util.List;
import java.util.Map;

/**
 * How a switch went.
 *
 * @param attempts pauses taken until the functions were free
 * @param tasks how many tasks the last stack check found outside
 * @param inside the most tasks that a stack check before it found inside
 * @param pause how long the guest was stopped in the last one
 * @param check how much of that was the stack check
 * @param write how much of that was writing and reading back
 * @param retries why earlier attempts were given up, one line each
 * @param phases where the time of that pause went
 */
public record SwitchOutcome(
    int attempts,
    int tasks,
    int inside,
    Duration pause,
    Duration check,
    Duration write,
    List<String> retries,
    Map<PausePhase, Duration> phases) {
  /** Copies the collections. */
  public SwitchOutcome {
    retries = List.copyOf(retries);
    phases = Map.copyOf(phases);
  }
}
