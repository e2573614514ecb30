package org.lucos.bench.harness;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.apache.commons.math3.stat.inference.MannWhitneyUTest;

/**
 * Two results of a scenario side by side. A series has become slower, or faster, if its median has
 * changed by more than is tolerated and a Mann-Whitney test says that chance does not do that.
 *
 * @param changes one for each series that both have
 * @param missing series that only one of them has
 */
public record Comparison(List<Change> changes, List<String> missing) {
  /** What may happen by chance: once in a hundred series. */
  public static final double CHANCE = 0.01;

  /** Copies the lists. */
  public Comparison {
    changes = List.copyOf(changes);
    missing = List.copyOf(missing);
  }

  /** What has become of a series. */
  public enum Verdict {
    SAME,
    SLOWER,
    FASTER,
    /** Counts and sizes are set beside each other only. */
    NO_COST
  }

  /**
   * A series in both results.
   *
   * @param before its median
   * @param after its median
   * @param chance how likely samples are this far apart if nothing has changed; two-sided
   */
  public record Change(
      String group,
      String name,
      String unit,
      long before,
      long after,
      double chance,
      Verdict verdict) {
    /** The medians' ratio; infinite from nothing. */
    public double ratio() {
      return before == after ? 1 : (double) after / before;
    }
  }

  /**
   * Compares.
   *
   * @param tolerance by how much a median may differ, as a part of the one before
   */
  public static Comparison of(Result before, Result after, double tolerance) {
    List<Change> changes = new ArrayList<>();
    List<String> missing = new ArrayList<>();
    for (Series old : before.series()) {
      after.series().stream()
          .filter(fresh -> isSame(old, fresh))
          .findFirst()
          .ifPresentOrElse(
              fresh -> changes.add(change(old, fresh, tolerance)),
              () -> missing.add(old.group() + " " + old.name() + " (only before)"));
    }
    for (Series fresh : after.series()) {
      if (before.series().stream().noneMatch(old -> isSame(old, fresh))) {
        missing.add(fresh.group() + " " + fresh.name() + " (only after)");
      }
    }
    return new Comparison(changes, missing);
  }

  private static boolean isSame(Series one, Series other) {
    return one.group().equals(other.group()) && one.name().equals(other.name());
  }

  private static Change change(Series old, Series fresh, double tolerance) {
    long was = old.distribution().median();
    long is = fresh.distribution().median();
    double chance =
        old.samples().isEmpty() || fresh.samples().isEmpty()
            ? 1
            : new MannWhitneyUTest().mannWhitneyUTest(values(old), values(fresh));
    Verdict verdict;
    if (!old.isCost()) {
      verdict = Verdict.NO_COST;
    } else if (chance >= CHANCE || Math.abs(is - was) <= tolerance * was) {
      verdict = Verdict.SAME;
    } else {
      verdict = is > was ? Verdict.SLOWER : Verdict.FASTER;
    }
    return new Change(old.group(), old.name(), old.unit(), was, is, chance, verdict);
  }

  private static double[] values(Series series) {
    return series.samples().stream().mapToDouble(Long::doubleValue).toArray();
  }

  /** Whether anything has become slower. */
  public boolean isSlower() {
    return changes.stream().anyMatch(change -> change.verdict() == Verdict.SLOWER);
  }

  /** A table for people. */
  public String text() {
    StringBuilder text = new StringBuilder();
    for (Change change : changes) {
      text.append(
          String.format(
              Locale.ROOT,
              "%-25s %-21s %9d -> %9d %-5s x%-7.2f p=%.3f  %s%n",
              change.group(),
              change.name(),
              change.before(),
              change.after(),
              change.unit(),
              change.ratio(),
              change.chance(),
              switch (change.verdict()) {
                case SAME, NO_COST -> "";
                case SLOWER -> "SLOWER";
                case FASTER -> "faster";
              }));
    }
    missing.forEach(series -> text.append("not compared: ").append(series).append('\n'));
    return text.toString();
  }
}
