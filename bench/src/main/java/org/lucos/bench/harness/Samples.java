package org.lucos.bench.harness;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Samples as they come, by group and name, in the order these first came. */
public final class Samples {
  /** Microseconds, the usual unit. */
  public static final String MICROSECONDS = "us";

  private record Key(String group, String name) {}

  private record Collected(String unit, List<Long> values) {}

  private final Map<Key, Collected> all = new LinkedHashMap<>();

  /** One more, in microseconds. */
  public void add(String group, String name, long sample) {
    add(group, name, MICROSECONDS, sample);
  }

  /** One more, in some unit. */
  public void add(String group, String name, String unit, long sample) {
    all.computeIfAbsent(new Key(group, name), key -> new Collected(unit, new ArrayList<>()))
        .values
        .add(sample);
  }

  /** What they look like; of none if there are none. */
  public Distribution of(String group, String name) {
    Collected collected = all.get(new Key(group, name));
    return Distribution.of(collected == null ? List.of() : collected.values);
  }

  /** All of them. */
  public List<Series> series() {
    return all.entrySet().stream()
        .map(
            entry ->
                new Series(
                    entry.getKey().group,
                    entry.getKey().name,
                    entry.getValue().unit,
                    entry.getValue().values))
        .toList();
  }
}
