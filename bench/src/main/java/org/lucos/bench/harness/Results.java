package org.lucos.bench.harness;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;

/** Results as files and as text. */
public final class Results {
  private static final ObjectMapper JSON =
      new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);

  private Results() {}

  /** Where a scenario's result is. */
  public static Path file(Path directory, String scenario) {
    return directory.resolve(scenario + ".json");
  }

  /** A result as text that {@link #read} takes. */
  static String json(Result result) {
    try {
      return JSON.writeValueAsString(result);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Writes {@code NAME.json}. */
  public static Path write(Path directory, Result result) {
    try {
      Files.createDirectories(directory);
      Path file = file(directory, result.scenario());
      JSON.writeValue(file.toFile(), result);
      return file;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Reads what {@link #write} has written. */
  public static Result read(Path file) {
    try {
      return JSON.readValue(file.toFile(), Result.class);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** A table for people. */
  public static String table(Result result) {
    StringBuilder text = new StringBuilder();
    Machine machine = result.machine();
    line(text, "%s, %s", result.scenario(), result.started());
    line(text, "%s, %d CPUs, load %s", machine.cpu(), machine.cpus(), machine.load());
    result.guests().forEach(guest -> line(text, "%s", guest));
    String row = "%-25s %-21s %7s %8s %8s %8s %8s %s";
    line(text, row, "", "", "samples", "least", "median", "p99", "most", "");
    for (Series series : result.series()) {
      Distribution d = series.distribution();
      line(
          text,
          "%-25s %-21s %7d %8d %8d %8d %8d %s",
          series.group(),
          series.name(),
          d.count(),
          d.least(),
          d.median(),
          d.p99(),
          d.most(),
          series.unit());
    }
    result.ratios().forEach(ratio -> line(text, "%s", ratio));
    return text.toString();
  }

  private static void line(StringBuilder text, String format, Object... values) {
    text.append(String.format(Locale.ROOT, format, values).stripTrailing()).append('\n');
  }
}
