package org.lucos.bench.harness;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import java.util.Locale;

/** Results as one page that needs nothing else: what they say, plots, tables, raw data. */
public final class ResultPage {
  private static final String STYLE =
      """
      body { font: 15px/1.5 system-ui, sans-serif; margin: 2em auto; max-width: 62em; padding: 0 1em; color: #222 }
      h1 { font-size: 1.5em } h2 { font-size: 1.2em; margin-top: 2.5em }
      table { border-collapse: collapse; font-size: 13px; margin: 1em 0 }
      td, th { text-align: right; padding: .15em .7em; border-bottom: 1px solid #ddd }
      td:nth-child(-n+2), th:nth-child(-n+2) { text-align: left }
      svg text { font: 11px system-ui, sans-serif } .facts { color: #666; font-size: 13px }
      @media print { h2 { break-before: auto } table, svg { break-inside: avoid } }
      """;
  private static final int WIDTH = 860;
  private static final int LABELS = 300;
  private static final int ROW = 18;
  private static final int MARGIN = 24;

  private ResultPage() {}

  /** Writes the page. */
  public static void write(Path file, List<Result> results) {
    try {
      Files.writeString(file, html(results));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The page's text. */
  public static String html(List<Result> results) {
    StringBuilder page = new StringBuilder();
    page.append("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">")
        .append("<title>What patching costs</title><style>\n")
        .append(STYLE)
        .append("</style></head><body>\n<h1>What patching costs</h1>\n");
    results.forEach(result -> section(page, result));
    return page.append("</body></html>\n").toString();
  }

  private static void section(StringBuilder page, Result result) {
    Machine machine = result.machine();
    line(page, "<h2>%s</h2>", escape(result.scenario()));
    line(
        page,
        "<p class=\"facts\">%s; %s, %d CPUs, %s, load %s<br>%s</p>",
        escape(result.started()),
        escape(machine.cpu()),
        machine.cpus(),
        escape(machine.kernel()),
        escape(machine.load()),
        escape(String.join("; ", result.guests())));
    page.append("<ul>\n");
    result.ratios().forEach(ratio -> line(page, "<li>%s</li>", escape(ratio)));
    page.append("</ul>\n");
    List<Series> times = result.series().stream().filter(Series::isCost).toList();
    times.stream().map(Series::unit).distinct().forEach(unit -> plot(page, unit, times));
    table(page, result.series());
    line(
        page,
        "<p><a download=\"%s.json\" href=\"data:application/json;base64,%s\">raw data</a></p>",
        escape(result.scenario()),
        Base64.getEncoder().encodeToString(Results.json(result).getBytes(UTF_8)));
  }

  private static void table(StringBuilder page, List<Series> all) {
    page.append("<table><tr><th></th><th></th><th>samples</th><th>least</th><th>median</th>")
        .append("<th>p99</th><th>most</th><th>unit</th></tr>\n");
    for (Series series : all) {
      Distribution d = series.distribution();
      line(
          page,
          "<tr><td>%s</td><td>%s</td><td>%d</td><td>%d</td><td>%d</td><td>%d</td><td>%d</td>"
              + "<td>%s</td></tr>",
          escape(series.group()),
          escape(series.name()),
          d.count(),
          d.least(),
          d.median(),
          d.p99(),
          d.most(),
          escape(series.unit()));
    }
    page.append("</table>\n");
  }

  /** Every sample as a dot on a logarithmic scale, and a line at the median. */
  private static void plot(StringBuilder page, String unit, List<Series> all) {
    List<Series> shown =
        all.stream().filter(s -> s.unit().equals(unit) && !s.samples().isEmpty()).toList();
    long least =
        Math.max(1, shown.stream().mapToLong(s -> s.distribution().least()).min().orElse(1));
    long most =
        Math.max(least + 1, shown.stream().mapToLong(s -> s.distribution().most()).max().orElse(1));
    int height = shown.size() * ROW + MARGIN;
    line(page, "<svg width=\"%d\" height=\"%d\" role=\"img\">", WIDTH, height);
    for (long tick = 1; tick <= most; tick *= 10) {
      if (tick >= least) {
        double x = place(tick, least, most);
        line(
            page,
            "<line x1=\"%.1f\" x2=\"%.1f\" y1=\"0\" y2=\"%d\" stroke=\"#ccc\"/>"
                + "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%d %s</text>",
            x,
            x,
            height - MARGIN,
            x,
            height - 8,
            tick,
            escape(unit));
      }
    }
    for (int row = 0; row < shown.size(); row++) {
      Series series = shown.get(row);
      double middle = row * ROW + ROW / 2.0;
      line(
          page,
          "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%s</text>",
          LABELS - 10,
          middle + 4,
          escape(series.group() + ", " + series.name()));
      for (long sample : series.samples()) {
        line(
            page,
            "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"2.5\" fill=\"#3b7dd8\" fill-opacity=\"0.3\"/>",
            place(Math.max(1, sample), least, most),
            middle);
      }
      double median = place(Math.max(1, series.distribution().median()), least, most);
      line(
          page,
          "<line x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\" stroke=\"#c9505b\""
              + " stroke-width=\"2\"/>",
          median,
          median,
          middle - 7,
          middle + 7);
    }
    page.append("</svg>\n");
  }

  private static double place(long value, long least, long most) {
    double part = Math.log((double) value / least) / Math.log((double) most / least);
    return LABELS + part * (WIDTH - LABELS - 40);
  }

  private static String escape(String text) {
    return text.replace("&", "&amp;")
        .replace("<", "&lt;")
        .replace(">", "&gt;")
        .replace("\"", "&quot;");
  }

  private static void line(StringBuilder page, String format, Object... values) {
    page.append(String.format(Locale.ROOT, format, values)).append('\n');
  }
}
