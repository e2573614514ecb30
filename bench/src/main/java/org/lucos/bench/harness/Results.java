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

  /** Writes {@code NAME.json}. */
  public static Path write(Path directory, Result result) {
    try {
      Path file = Files.createDirectories(directory).resolve(result.scenario() + ".json");
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
    String row = "%-16s %-24s %7s %8s %8s %8s %8s %s";
    line(text, row, "", "", "samples", "least", "median", "p99", "most", "");
    for (Series series : result.series()) {
      Distribution d = series.distribution();
      line(
          text,
          "%-16s %-24s %7d %8d %8d %8d %8d %s",
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

  /** Medians of two runs beside each other. */
  public static String comparison(Result before, Result after) {
    StringBuilder text = new StringBuilder();
    for (Series old : before.series()) {
      for (Series fresh : after.series()) {
        if (old.group().equals(fresh.group()) && old.name().equals(fresh.name())) {
          long was = old.distribution().median();
          long is = fresh.distribution().median();
          line(
              text,
              "%-16s %-24s %8d -> %8d %-5s x%.2f",
              old.group(),
              old.name(),
              was,
              is,
              old.unit(),
              was == 0 ? Double.NaN : (double) is / was);
        }
      }
    }
    return text.toString();
  }

  private static void line(StringBuilder text, String format, Object... values) {
    text.append(String.format(Locale.ROOT, format, values).stripTrailing()).append('\n');
  }
}
