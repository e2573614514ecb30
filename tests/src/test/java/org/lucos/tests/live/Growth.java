package org.lucos.tests.live;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Figures taken again and again while something is repeated, written to a file as they come.
 * Whether they grow is read from the medians of the second and of the last quarter: by then
 * everything has been done many times, and no single figure decides.
 */
final class Growth {
  private final Path csv;
  private final Path summary;
  private final List<Integer> times = new ArrayList<>();
  private final List<Map<String, Long>> samples = new ArrayList<>();

  Growth(Path directory, String name) throws IOException {
    Files.createDirectories(directory);
    this.csv = directory.resolve(name + ".csv");
    this.summary = directory.resolve(name + ".json");
    Files.deleteIfExists(csv);
    Files.deleteIfExists(summary);
  }

  /**
   * Adds what was measured.
   *
   * @param time how many repetitions there were before
   */
  void add(int time, Map<String, Long> sample) throws IOException {
    StringBuilder lines = new StringBuilder();
    if (samples.isEmpty()) {
      lines.append("time,").append(String.join(",", sample.keySet())).append('\n');
    }
    lines.append(time);
    sample.values().forEach(value -> lines.append(',').append(value));
    Files.writeString(
        csv, lines.append('\n'), StandardOpenOption.CREATE, StandardOpenOption.APPEND);
    times.add(time);
    samples.add(sample);
  }

  Map<String, Long> last() {
    return samples.get(samples.size() - 1);
  }

  /** How many repetitions lie between the middles of the two quarters. */
  int between() {
    return times.get(middle(3)) - times.get(middle(1));
  }

  /** By how much the median of each figure has grown between the two quarters. */
  Map<String, Long> grown() {
    Map<String, Long> grown = new LinkedHashMap<>();
    last().keySet().forEach(what -> grown.put(what, median(what, 3) - median(what, 1)));
    return grown;
  }

  /** Writes a summary of it; these facts come first. */
  void summarise(Map<String, ?> facts) throws IOException {
    Map<String, Object> all = new LinkedHashMap<>(facts);
    all.put("samples", samples.size());
    all.put("repetitions between the quarters", between());
    for (String what : last().keySet()) {
      all.put(
          what,
          Map.of(
              "first", samples.get(0).getOrDefault(what, -1L),
              "second quarter", median(what, 1),
              "last quarter", median(what, 3),
              "last", last().getOrDefault(what, -1L)));
    }
    Files.writeString(
        summary, new ObjectMapper().writerWithDefaultPrettyPrinter().writeValueAsString(all));
  }

  /** Fails if a figure has grown by more than is allowed. */
  void assertWithin(Map<String, Long> allowed) {
    Map<String, Long> grown = grown();
    assertThat(grown.keySet()).containsAll(allowed.keySet());
    allowed.forEach(
        (what, most) ->
            assertThat(grown.get(what))
                .as("%s, grown in %d repetitions; see %s", what, between(), csv)
                .isLessThanOrEqualTo(most));
  }

  private int middle(int quarter) {
    return (2 * quarter + 1) * samples.size() / 8;
  }

  private long median(String what, int quarter) {
    int begin = quarter * samples.size() / 4;
    int end = (quarter + 1) * samples.size() / 4;
    List<Long> values =
        samples.subList(begin, end).stream().map(s -> s.getOrDefault(what, -1L)).sorted().toList();
    return values.get(values.size() / 2);
  }
}
