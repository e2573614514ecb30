package org.lucos.bench.harness;

import com.fasterxml.jackson.annotation.JsonIgnore;
import java.util.List;

/**
 * Raw samples of one thing.
 *
 * @param group what is compared with each other, such as the number of threads
 * @param name what was measured
 * @param unit of every sample
 * @param samples in the order they were taken
 */
public record Series(String group, String name, String unit, List<Long> samples) {
  /** Copies the list. */
  public Series {
    samples = List.copyOf(samples);
  }

  /** Whether they say how long something took. */
  @JsonIgnore
  public boolean isTime() {
    return unit.equals("us") || unit.startsWith("ns");
  }

  /** Their distribution. */
  public Distribution distribution() {
    return Distribution.of(samples);
  }
}
