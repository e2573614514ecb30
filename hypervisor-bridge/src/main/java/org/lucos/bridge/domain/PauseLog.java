package org.lucos.bridge.domain;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** The pauses a controller has caused, in order. */
public final class PauseLog {

  /**
   * One pause.
   *
   * @param purpose what it was for
   * @param duration from the order to stop until the guest was told to run
   */
  public record Entry(String purpose, Duration duration) {}

  private final List<Entry> entries = new ArrayList<>();

  /** Enters a pause that has ended. */
  public void add(String purpose, Duration duration) {
    entries.add(new Entry(purpose, duration));
  }

  /** All pauses so far. */
  public List<Entry> entries() {
    return List.copyOf(entries);
  }

  /** The longest pause; zero if there was none. */
  public Duration longest() {
    return entries.stream().map(Entry::duration).max(Duration::compareTo).orElse(Duration.ZERO);
  }

  /** All pauses added up. */
  public Duration total() {
    return entries.stream().map(Entry::duration).reduce(Duration.ZERO, Duration::plus);
  }
}
