package org.lucos.bench.harness;

import java.util.List;

/**
 * What a scenario came to, with everything it was made from.
 *
 * @param scenario its name
 * @param started when, by the host's clock
 * @param machine where
 * @param guests what was measured in, one line each
 * @param series all samples
 * @param ratios what they say about what is promised, one line each
 */
public record Result(
    String scenario,
    String started,
    Machine machine,
    List<String> guests,
    List<Series> series,
    List<String> ratios) {
  /** Copies the lists. */
  public Result {
    guests = List.copyOf(guests);
    series = List.copyOf(series);
    ratios = List.copyOf(ratios);
  }
}
