package org.lucos.bench.report;

import com.fasterxml.jackson.dataformat.csv.CsvMapper;
import com.fasterxml.jackson.dataformat.csv.CsvSchema;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.lucos.bench.corpus.BuildResult;
import org.lucos.bench.corpus.CorpusRun;
import org.lucos.bench.corpus.LiveResult;
import org.lucos.bench.corpus.LiveRun;

/** Writes {@code corpus.csv}, {@code index.html} and {@code SUMMARY.md} of a run's directory. */
public final class Reports {
  private static final CsvMapper CSV = new CsvMapper();

  private Reports() {}

  /** Writes all three from the journals. */
  public static void write(Path directory, String title) {
    List<Row> rows = rows(directory);
    Figures figures = Figures.of(rows);
    try {
      Files.createDirectories(directory);
      Files.writeString(directory.resolve("corpus.csv"), csv(rows), StandardCharsets.UTF_8);
      Files.writeString(
          directory.resolve("SUMMARY.md"),
          "# " + title + "\n\n" + Summary.text(figures),
          StandardCharsets.UTF_8);
      Files.writeString(
          directory.resolve("index.html"),
          new Page(title, figures, rows).html(),
          StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot write the report in " + directory, e);
    }
  }

  /** The figures of a run's journals. */
  public static Figures figures(Path directory) {
    return Figures.of(rows(directory));
  }

  /** What a run's journals have, a row a file. */
  public static List<Row> rows(Path directory) {
    Map<String, LiveResult> live = LiveRun.journal(directory).entries();
    return CorpusRun.builds(directory).entries().values().stream()
        .map(build -> new Row(build, liveOf(build, live)))
        .toList();
  }

  /** What was applied before the file was built anew and refused does not count. */
  private static Optional<LiveResult> liveOf(BuildResult build, Map<String, LiveResult> live) {
    return build.outcome() == BuildResult.Outcome.BUILT
        ? Optional.ofNullable(live.get(build.path()))
        : Optional.empty();
  }

  private static String csv(List<Row> rows) throws IOException {
    CsvSchema schema = CSV.schemaFor(CsvLine.class).withHeader().withColumnReordering(false);
    return CSV.writer(schema).writeValueAsString(rows.stream().map(CsvLine::of).toList());
  }
}
