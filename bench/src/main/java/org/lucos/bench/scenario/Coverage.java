package org.lucos.bench.scenario;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.lucos.bench.corpus.BuildResult.Outcome;
import org.lucos.bench.corpus.LiveResult;
import org.lucos.bench.harness.Samples;
import org.lucos.bench.report.Figures;
import org.lucos.bench.report.Reports;
import org.lucos.bench.report.Row;

/** What became of the files of a corpus: how many of each kind, and what is promised beside it. */
final class Coverage {
  private static final String FILES = "files";
  private static final String TIMES = "each file";
  private static final String REFUSED = "refused";
  private static final String REFUSED_LIVE = "refused in guest";

  private final List<Row> rows;
  private final Figures figures;

  private Coverage(List<Row> rows, Figures figures) {
    this.rows = rows;
    this.figures = figures;
  }

  /** Of a corpus that {@code lucos-corpus} has built, or part of one. */
  static Coverage of(Path directory) {
    List<Row> rows = Reports.rows(directory);
    if (rows.isEmpty()) {
      throw new IllegalStateException(
          "no corpus in " + directory + ": nothing was built there by lucos-corpus run");
    }
    return new Coverage(rows, Reports.figures(directory));
  }

  /** How many files it has. */
  int files() {
    return rows.size();
  }

  /** Adds counts, with the unit {@code files}, and how long it took with each file. */
  void addTo(Samples samples) {
    Map<String, Integer> verdicts = new TreeMap<>();
    rows.forEach(row -> verdicts.merge(row.verdict(), 1, Integer::sum));
    samples.add(FILES, "looked at", FILES, rows.size());
    verdicts.forEach((verdict, count) -> samples.add(FILES, verdict, FILES, count));
    samples.add("code only", "to be built", FILES, figures.codeOnly());
    samples.add("code only", "built", FILES, figures.codeOnlyBuilt());
    samples.add("built", "tried in a guest", FILES, figures.tried());
    samples.add("built", "applied and reverted", FILES, figures.good());
    codes(Coverage::isRefused).forEach((code, n) -> samples.add(REFUSED, code, FILES, n));
    codes(Coverage::isRefusedLive).forEach((code, n) -> samples.add(REFUSED_LIVE, code, FILES, n));
    for (Row row : rows) {
      if (row.build().seconds() > 0) {
        samples.add(TIMES, "build", Math.round(row.build().seconds() * 1e6));
      }
      row.live().filter(live -> live.attempts() > 0).ifPresent(live -> times(live, samples));
    }
  }

  private static void times(LiveResult live, Samples samples) {
    samples.add(TIMES, "apply", Math.round(live.applySeconds() * 1e6));
    samples.add(TIMES, "pause of apply", Math.round(live.applyPause() * 1e3));
    if (live.outcome() == LiveResult.Outcome.DONE) {
      samples.add(TIMES, "revert", Math.round(live.revertSeconds() * 1e6));
      samples.add(TIMES, "pause of revert", Math.round(live.revertPause() * 1e3));
    }
  }

  /** What it says about what is promised. */
  List<String> ratios() {
    return List.of(
        String.format(
            "code only: %d of %d built (promised 95 %%)",
            figures.codeOnlyBuilt(), figures.codeOnly()),
        String.format(
            "built: %d of %d applied and reverted (promised 99 %%)",
            figures.good(), figures.tried()),
        "refused: " + words(codes(Coverage::isRefused)),
        "refused in the guest: " + words(codes(Coverage::isRefusedLive)),
        "failed: " + words(codes(Coverage::isFailed)));
  }

  private Map<String, Integer> codes(Predicate<Row> which) {
    Map<String, Integer> codes = new TreeMap<>();
    rows.stream().filter(which).forEach(row -> codes.merge(row.code(), 1, Integer::sum));
    return codes;
  }

  private static String words(Map<String, Integer> codes) {
    return codes.isEmpty()
        ? "none"
        : codes.entrySet().stream()
            .map(code -> code.getKey() + " " + code.getValue())
            .collect(Collectors.joining(", "));
  }

  private static boolean isRefused(Row row) {
    return row.build().outcome() == Outcome.REFUSED;
  }

  private static boolean isRefusedLive(Row row) {
    return row.live()
        .filter(
            live ->
                live.outcome() == LiveResult.Outcome.REFUSED
                    || live.outcome() == LiveResult.Outcome.REVERT_REFUSED)
        .isPresent();
  }

  private static boolean isFailed(Row row) {
    return row.build().outcome() == Outcome.FAILED
        || row.live().filter(live -> live.outcome() == LiveResult.Outcome.FAILED).isPresent();
  }
}
