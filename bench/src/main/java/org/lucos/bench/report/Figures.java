package org.lucos.bench.report;

import com.google.common.collect.ImmutableSortedMap;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Predicate;
import java.util.function.ToDoubleFunction;
import org.lucos.bench.corpus.BuildResult;
import org.lucos.bench.corpus.BuildResult.Outcome;
import org.lucos.bench.corpus.DiffClass;
import org.lucos.bench.corpus.LiveResult;

/**
 * A run in numbers. Percentages are of what could have been: files that this flavour does not build
 * and changes without machine code do not count.
 *
 * @param files looked at
 * @param outcomes builds by how they ended
 * @param refusals by code
 * @param codeOnly files whose change is code only and makes machine code differ
 * @param codeOnlyBuilt of these
 * @param codeOnlyPercent of the one to the other
 * @param tried patches that were applied, or were to be; those for modules that a guest does not
 *     load are left out
 * @param good applied and reverted without a word in the guest's log
 * @param goodPercent of the one to the other
 * @param warned patches with trouble in the guest's log
 * @param buildSeconds median of what was built
 * @param bundleBytes median
 * @param applySeconds median
 * @param applyPause median, milliseconds
 * @param longestPause of all, milliseconds
 * @param revertPause median, milliseconds
 */
public record Figures(
    int files,
    Map<String, Integer> outcomes,
    Map<String, Integer> refusals,
    int codeOnly,
    int codeOnlyBuilt,
    double codeOnlyPercent,
    int tried,
    int good,
    double goodPercent,
    int warned,
    double buildSeconds,
    double bundleBytes,
    double applySeconds,
    double applyPause,
    double longestPause,
    double revertPause) {

  /** Keeps its own copies. */
  public Figures {
    outcomes = ImmutableSortedMap.copyOf(outcomes);
    refusals = ImmutableSortedMap.copyOf(refusals);
  }

  static Figures of(List<Row> rows) {
    List<BuildResult> builds = rows.stream().map(Row::build).toList();
    List<LiveResult> lives =
        rows.stream()
            .flatMap(row -> row.live().stream())
            .filter(l -> l.outcome() != LiveResult.Outcome.NOT_TRIED)
            .toList();
    Map<String, Integer> outcomes = new TreeMap<>();
    Map<String, Integer> refusals = new TreeMap<>();
    for (BuildResult build : builds) {
      outcomes.merge(build.outcome().name().toLowerCase(Locale.ROOT), 1, Integer::sum);
      if (build.outcome() == Outcome.REFUSED) {
        refusals.merge(build.code(), 1, Integer::sum);
      }
    }
    List<BuildResult> codeOnly = builds.stream().filter(Figures::isCode).toList();
    int built = count(codeOnly, b -> b.outcome() == Outcome.BUILT);
    int good = count(lives, LiveResult::good);
    List<BuildResult> made = builds.stream().filter(b -> b.outcome() == Outcome.BUILT).toList();
    List<LiveResult> done = lives.stream().filter(l -> l.attempts() > 0).toList();
    return new Figures(
        rows.size(),
        outcomes,
        refusals,
        codeOnly.size(),
        built,
        percent(built, codeOnly.size()),
        lives.size(),
        good,
        percent(good, lives.size()),
        count(lives, l -> !l.warnings().isEmpty()),
        median(made, BuildResult::seconds),
        median(made, BuildResult::bytes),
        median(done, LiveResult::applySeconds),
        median(done, LiveResult::applyPause),
        done.stream().mapToDouble(l -> Math.max(l.applyPause(), l.revertPause())).max().orElse(0),
        median(done, LiveResult::revertPause));
  }

  /** Whether it is in the denominator: code only, compiled here, and with a difference. */
  static boolean isCode(BuildResult build) {
    return build.kind() == DiffClass.CODE_ONLY
        && build.outcome() != Outcome.NOT_BUILT_HERE
        && build.outcome() != Outcome.NO_CHANGE;
  }

  private static <T> int count(Collection<T> all, Predicate<T> which) {
    return (int) all.stream().filter(which).count();
  }

  private static double percent(int part, int whole) {
    return whole == 0 ? 0 : Math.round(1000.0 * part / whole) / 10.0;
  }

  static <T> double median(Collection<T> all, ToDoubleFunction<T> value) {
    List<Double> sorted = new ArrayList<>(all.stream().map(value::applyAsDouble).sorted().toList());
    int size = sorted.size();
    if (size == 0) {
      return 0;
    }
    return size % 2 == 1
        ? sorted.get(size / 2)
        : (sorted.get(size / 2 - 1) + sorted.get(size / 2)) / 2;
  }
}
