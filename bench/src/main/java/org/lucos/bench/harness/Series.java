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

  /** Whether they say what something took, in time or instructions. */
  @JsonIgnore
  public boolean isCost() {
    return unit.equals("us") || unit.startsWith("ns") || unit.startsWith("instructions");
  }

  /** Their distribution. */
  public Distribution distribution() {
    return Distribution.of(samples);
  }
}
