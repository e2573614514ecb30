package org.lucos.bench.report;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.lucos.bench.corpus.BuildResult;
import org.lucos.bench.corpus.LiveResult;

/** One page with everything in it: figures, plots, and the table of all files. */
final class Page {
  private static final String STYLE =
      """
      body { font: 15px/1.5 system-ui, sans-serif; margin: 2em auto; max-width: 76em; padding: 0 1em; color: #222 }
      h1 { font-size: 1.5em } h2 { font-size: 1.15em; margin-top: 2em }
      table { border-collapse: collapse; width: 100%; font-size: 13px }
      td, th { text-align: left; vertical-align: top; padding: .2em .6em; border-bottom: 1px solid #ddd }
      td.n { text-align: right } .plots { display: flex; flex-wrap: wrap; gap: 2em }
      svg text { font: 12px system-ui, sans-serif } input { width: 30em; padding: .3em }
      """;
  private static final String SCRIPT =
      """
      const box = document.getElementById('find');
      box.addEventListener('input', () => {
        const words = box.value.toLowerCase().split(' ');
        for (const row of document.querySelectorAll('tbody.files tr')) {
          const text = row.textContent.toLowerCase();
          row.hidden = !words.every(word => text.includes(word));
        }
      });
      """;

  private final String title;
  private final Figures figures;
  private final List<Row> rows;

  Page(String title, Figures figures, List<Row> rows) {
    this.title = title;
    this.figures = figures;
    this.rows = rows;
  }

  String html() {
    StringBuilder page = new StringBuilder();
    page.append("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>")
        .append(escape(title))
        .append("</title><style>\n")
        .append(STYLE)
        .append("</style></head><body>\n<h1>")
        .append(escape(title))
        .append("</h1>\n<pre>")
        .append(escape(Summary.text(figures)))
        .append("</pre>\n<div class=\"plots\">\n");
    page.append(Plots.stacked("What became of the files, by area", byArea()));
    page.append(Plots.bars("Refusals", figures.refusals()));
    page.append(Plots.histogram("Seconds to build", built(), 20));
    page.append(Plots.histogram("Milliseconds the guest stood still", pauses(), 20));
    page.append("</div>\n<h2>Refusals by reason</h2>\n").append(reasons());
    page.append("<h2>Files</h2>\n<p><input id=\"find\" placeholder=\"words to look for\"></p>\n");
    page.append(table());
    return page.append("<script>\n").append(SCRIPT).append("</script></body></html>\n").toString();
  }

  private Map<String, Map<String, Integer>> byArea() {
    Map<String, Map<String, Integer>> areas = new TreeMap<>();
    for (Row row : rows) {
      if (row.build().outcome() != BuildResult.Outcome.NOT_BUILT_HERE) {
        areas
            .computeIfAbsent(row.build().area().label(), area -> new TreeMap<>())
            .merge(row.verdict(), 1, Integer::sum);
      }
    }
    return areas;
  }

  private List<Double> built() {
    return rows.stream()
        .filter(row -> row.build().outcome() == BuildResult.Outcome.BUILT)
        .map(row -> row.build().seconds())
        .toList();
  }

  private List<Double> pauses() {
    return rows.stream()
        .flatMap(row -> row.live().stream())
        .filter(live -> live.attempts() > 0)
        .map(LiveResult::applyPause)
        .toList();
  }

  private String reasons() {
    Map<String, Integer> reasons = new LinkedHashMap<>();
    for (Row row : rows) {
      if (row.build().outcome() == BuildResult.Outcome.REFUSED) {
        reasons.merge(row.code() + ": " + Reasons.pattern(row.detail()), 1, Integer::sum);
      }
    }
    StringBuilder table = new StringBuilder("<table>\n");
    reasons.entrySet().stream()
        .sorted(Map.Entry.<String, Integer>comparingByValue().reversed())
        .forEach(
            entry ->
                table
                    .append("<tr><td class=\"n\">")
                    .append(entry.getValue())
                    .append("</td><td>")
                    .append(escape(entry.getKey()))
                    .append("</td></tr>\n"));
    return table.append("</table>\n").toString();
  }

  private String table() {
    StringBuilder table = new StringBuilder("<table><thead><tr>");
    for (String name :
        List.of("file", "where", "class", "came to", "why", "build s", "pause ms", "functions")) {
      table.append("<th>").append(name).append("</th>");
    }
    table.append("</tr></thead><tbody class=\"files\">\n");
    for (Row row : rows) {
      BuildResult build = row.build();
      if (build.outcome() == BuildResult.Outcome.NOT_BUILT_HERE) {
        continue;
      }
      String pause =
          row.live()
              .filter(l -> l.attempts() > 0)
              .map(l -> String.format(Locale.ROOT, "%.2f", l.applyPause()))
              .orElse("");
      table.append("<tr>");
      cell(table, build.path());
      cell(table, build.placement());
      cell(table, build.kind().label());
      cell(table, row.verdict());
      cell(table, row.code().isEmpty() ? "" : row.code() + ": " + row.detail());
      cell(table, String.format(Locale.ROOT, "%.1f", build.seconds()));
      cell(table, pause);
      cell(table, String.join(", ", build.functions()));
      table.append("</tr>\n");
    }
    long unbuilt = figures.outcomes().getOrDefault("not_built_here", 0);
    return table
        .append("</tbody></table>\n<p>Not shown: ")
        .append(unbuilt)
        .append(" files this flavour does not build (see corpus.csv).</p>\n")
        .toString();
  }

  private static void cell(StringBuilder table, String text) {
    table.append("<td>").append(escape(text)).append("</td>");
  }

  static String escape(String text) {
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;");
  }
}
