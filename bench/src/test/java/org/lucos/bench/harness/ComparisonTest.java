package org.lucos.bench.harness;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Random;
import java.util.function.LongUnaryOperator;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.lucos.bench.harness.Comparison.Verdict;

class ComparisonTest {
  private static final double TOLERANCE = 0.1;

  /** As of pauses: a long tail, in microseconds. */
  private static List<Long> pauses(long seed, LongUnaryOperator change) {
    Random random = new Random(seed);
    return LongStream.generate(() -> Math.round(2500 * Math.exp(0.5 * random.nextGaussian())))
        .map(change)
        .limit(60)
        .boxed()
        .toList();
  }

  private static Result result(Series... series) {
    return new Result(
        "pause",
        "2026-01-01T00:00:00Z",
        new Machine("cpu", 2, "6.1", "0.1 to 0.2"),
        List.of("a guest"),
        List.of(series),
        List.of());
  }

  private static Series series(String name, String unit, List<Long> samples) {
    return new Series("100 threads", name, unit, samples);
  }

  private static Comparison.Change only(Comparison comparison) {
    assertThat(comparison.changes()).hasSize(1);
    return comparison.changes().get(0);
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5})
  void threeMillisecondsMoreInThePauseAreFlagged(long seed) {
    Result before = result(series("apply", "us", pauses(seed, us -> us)));
    Result after = result(series("apply", "us", pauses(seed + 100, us -> us + 3000)));
    Comparison comparison = Comparison.of(before, after, TOLERANCE);
    assertThat(only(comparison).verdict()).isEqualTo(Verdict.SLOWER);
    assertThat(comparison.isSlower()).isTrue();
    assertThat(comparison.text()).contains("SLOWER");

    Comparison back = Comparison.of(after, before, TOLERANCE);
    assertThat(only(back).verdict()).isEqualTo(Verdict.FASTER);
    assertThat(back.isSlower()).isFalse();
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5})
  void chanceIsNotFlagged(long seed) {
    Result before = result(series("apply", "us", pauses(seed, us -> us)));
    Result after = result(series("apply", "us", pauses(seed + 100, us -> us)));
    assertThat(only(Comparison.of(before, after, TOLERANCE)).verdict()).isEqualTo(Verdict.SAME);
  }

  @Test
  void whatIsCertainButSmallIsTolerated() {
    Result before = result(series("apply", "us", pauses(1, us -> 100_000 + us / 100)));
    Result after = result(series("apply", "us", pauses(1, us -> 105_000 + us / 100)));
    Comparison.Change change = only(Comparison.of(before, after, TOLERANCE));
    assertThat(change.chance()).isLessThan(Comparison.CHANCE);
    assertThat(change.verdict()).isEqualTo(Verdict.SAME);
    assertThat(only(Comparison.of(before, after, 0.01)).verdict()).isEqualTo(Verdict.SLOWER);
  }

  @Test
  void countsAreNoTimesAndWhatIsNotInBothIsSaid() {
    Result before =
        result(series("put off", "times", List.of(0L, 0L)), series("gone", "us", List.of(1L)));
    Result after =
        result(series("put off", "times", List.of(9L, 9L)), series("new", "us", List.of(1L)));
    Comparison comparison = Comparison.of(before, after, TOLERANCE);
    assertThat(only(comparison).verdict()).isEqualTo(Verdict.NO_COST);
    assertThat(only(comparison).ratio()).isInfinite();
    assertThat(comparison.missing())
        .containsExactly("100 threads gone (only before)", "100 threads new (only after)");
    assertThat(comparison.text()).contains("not compared: 100 threads gone");
  }

  @Test
  void seriesWithoutSamplesAreTheSame() {
    Result empty = result(series("apply", "us", List.of()));
    assertThat(only(Comparison.of(empty, empty, TOLERANCE)).verdict()).isEqualTo(Verdict.SAME);
  }
}
