package org.lucos.bench.micro;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;
import org.lucos.bench.harness.Samples;
import org.lucos.bench.harness.Series;

class HotPathSpeedsTest {
  private final Samples samples = new Samples();
  private final HotPathSpeeds speeds = new HotPathSpeeds(samples);

  private static Iteration bytes(double nanos) {
    return new Iteration(OptionalDouble.of(nanos), OptionalDouble.empty());
  }

  private static Iteration items(double nanos) {
    return new Iteration(OptionalDouble.empty(), OptionalDouble.of(nanos));
  }

  private String line(HotPath path) {
    return speeds.ratios().stream()
        .filter(line -> line.startsWith(path.label() + ":"))
        .findFirst()
        .orElseThrow();
  }

  @Test
  void everyIterationIsASampleOfATime() {
    speeds.add(HotPath.COPY_TABLE, bytes(0.25));
    speeds.add(HotPath.COPY_TABLE, bytes(0.5));

    assertThat(samples.series())
        .containsExactly(
            new Series("paths", HotPath.COPY_TABLE.label(), "ns/MiB", List.of(262_144L, 524_288L)));
    assertThat(samples.series()).allMatch(Series::isCost);
  }

  @Test
  void bytesAndItemsAreSeriesOfTheirOwn() {
    speeds.add(HotPath.KALLSYMS, new Iteration(OptionalDouble.of(5), OptionalDouble.of(93.4)));

    assertThat(samples.series())
        .containsExactly(
            new Series("paths", "kallsyms", "ns/MiB", List.of(5_242_880L)),
            new Series("paths", "kallsyms: symbols", "ns/1000", List.of(93_400L)));
  }

  @Test
  void speedsAreSetBesideTheirLimitByBytesIfBothCountThem() {
    speeds.add(HotPath.COPY_TABLE, bytes(0.125));
    speeds.add(HotPath.KALLSYMS, new Iteration(OptionalDouble.of(5), OptionalDouble.of(100)));

    assertThat(line(HotPath.KALLSYMS))
        .isEqualTo(
            "kallsyms: 200 MB/s, 10,000,000 symbols/s, 0.025 of its limit: copy, 4 MiB,"
                + " 7,990 MB/s");
  }

  @Test
  void speedsAreSetBesideTheirLimitByItemsOtherwise() {
    speeds.add(HotPath.ENTRIES, items(2000));
    speeds.add(HotPath.WALK, items(4000));

    assertThat(line(HotPath.WALK))
        .isEqualTo(
            "page walk, uncached: 250,000 pages/s, 0.50 of its limit: reads of a walk, alone,"
                + " 500,000 pages/s");
  }
}
