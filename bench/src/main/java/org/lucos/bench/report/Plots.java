package org.lucos.bench.report;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;

/** Plots as SVG. */
final class Plots {
  private static final int WIDTH = 460;
  private static final int BAR = 18;
  private static final int LABELS = 170;
  private static final List<String> COLOURS =
      List.of(
          "#3b7dd8", "#e08a3c", "#5aa469", "#c9505b", "#8a6fc0", "#8c7b6b", "#d7a9c7", "#7f7f7f",
          "#b8b04a", "#4fb3bf");

  private Plots() {}

  /** A bar a name, as long as its number. */
  static String bars(String title, Map<String, Integer> numbers) {
    Map<String, Map<String, Integer>> single = new TreeMap<>();
    numbers.forEach((name, number) -> single.put(name, Map.of("", number)));
    return stacked(title, single);
  }

  /** A bar a name, made of parts. */
  static String stacked(String title, Map<String, Map<String, Integer>> bars) {
    TreeSet<String> parts = new TreeSet<>();
    bars.values().forEach(bar -> parts.addAll(bar.keySet()));
    List<String> order = new ArrayList<>(parts);
    int longest =
        bars.values().stream()
            .mapToInt(bar -> bar.values().stream().mapToInt(Integer::intValue).sum())
            .max()
            .orElse(1);
    StringBuilder svg = new StringBuilder();
    int y = 30;
    for (Map.Entry<String, Map<String, Integer>> bar : bars.entrySet()) {
      text(svg, LABELS - 6, y + 13, "end", bar.getKey());
      double x = LABELS;
      int sum = 0;
      for (String part : order) {
        int number = bar.getValue().getOrDefault(part, 0);
        double width = (double) (WIDTH - LABELS - 50) * number / longest;
        rectangle(svg, x, y, width, BAR - 4, colour(order.indexOf(part)), part + " " + number);
        x += width;
        sum += number;
      }
      text(svg, x + 4, y + 13, "start", Integer.toString(sum));
      y += BAR;
    }
    y += 8;
    for (String part : order) {
      if (!part.isEmpty()) {
        rectangle(svg, LABELS, y, 10, 10, colour(order.indexOf(part)), part);
        text(svg, LABELS + 16, y + 10, "start", part);
        y += BAR;
      }
    }
    return figure(title, svg, y + 10);
  }

  /** How often values fall into each of some ranges of equal width. */
  static String histogram(String title, List<Double> values, int ranges) {
    StringBuilder svg = new StringBuilder();
    double top = values.stream().mapToDouble(Double::doubleValue).max().orElse(1);
    int[] counts = new int[ranges];
    for (double value : values) {
      counts[(int) Math.min(ranges - 1, ranges * value / Math.max(top, 1e-9))]++;
    }
    int most = 1;
    for (int count : counts) {
      most = Math.max(most, count);
    }
    double width = (double) (WIDTH - 40) / ranges;
    for (int i = 0; i < ranges; i++) {
      double height = 140.0 * counts[i] / most;
      String range =
          String.format(
              Locale.ROOT, "%.2f to %.2f: %d", top * i / ranges, top * (i + 1) / ranges, counts[i]);
      rectangle(svg, 20 + i * width, 180 - height, width - 1, height, colour(0), range);
    }
    text(svg, 20, 198, "start", "0");
    text(svg, WIDTH - 20, 198, "end", String.format(Locale.ROOT, "%.1f", top));
    text(svg, WIDTH / 2.0, 198, "middle", values.size() + " values, most in a bar: " + most);
    return figure(title, svg, 206);
  }

  private static String figure(String title, StringBuilder content, int height) {
    return String.format(
        Locale.ROOT,
        "<svg width=\"%d\" height=\"%d\" role=\"img\"><text x=\"0\" y=\"16\""
            + " font-weight=\"bold\">%s</text>%s</svg>%n",
        WIDTH,
        height,
        Page.escape(title),
        content);
  }

  private static String colour(int index) {
    return COLOURS.get(Math.max(0, index) % COLOURS.size());
  }

  private static void rectangle(
      StringBuilder svg, double x, double y, double width, double height, String fill, String tip) {
    svg.append(
        String.format(
            Locale.ROOT,
            "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" fill=\"%s\">"
                + "<title>%s</title></rect>",
            x,
            y,
            Math.max(0, width),
            Math.max(0, height),
            fill,
            Page.escape(tip)));
  }

  private static void text(StringBuilder svg, double x, double y, String anchor, String words) {
    svg.append(
        String.format(
            Locale.ROOT,
            "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">%s</text>",
            x,
            y,
            anchor,
            Page.escape(words)));
  }
}
