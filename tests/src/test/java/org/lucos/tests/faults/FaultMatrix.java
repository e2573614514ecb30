package org.lucos.tests.faults;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.lucos.tests.faults.FaultedGuest.Result;
import org.lucos.tests.faults.Faults.Kind;
import org.lucos.tests.faults.Faults.Place;
import org.lucos.tests.faults.Faults.Point;

/** The report: a row a point, a column a kind of fault. */
final class FaultMatrix {
  private static final long SEED = 20_261_121;

  final Random random = new Random(SEED);

  /** A result with its operation. */
  private record Entry(String operation, Result result) {}

  private final Map<String, Map<Place, Integer>> points = new LinkedHashMap<>();
  private final List<Entry> entries = new ArrayList<>();

  /** How many points an operation has. */
  void points(String operation, List<Point> found) {
    Map<Place, Integer> counts = new EnumMap<>(Place.class);
    found.forEach(point -> counts.merge(point.place(), 1, Integer::sum));
    points.put(operation, counts);
  }

  void add(String operation, @Nullable Result result) {
    if (result != null) {
      entries.add(new Entry(operation, result));
    }
  }

  /** How many cases came to their point. */
  long met() {
    return entries.stream().filter(entry -> entry.result().met()).count();
  }

  List<String> wrong() {
    return entries.stream()
        .filter(entry -> !entry.result().wrong().isEmpty())
        .map(entry -> entry.operation() + " " + entry.result())
        .toList();
  }

  String summary() {
    Map<String, Integer> counts = new TreeMap<>();
    for (Entry entry : entries) {
      Result result = entry.result();
      String key =
          !result.met()
              ? "not reached"
              : (result.failure().isEmpty() ? "went on" : "failed")
                  + ", "
                  + result.found()
                  + ", recover: "
                  + result.recovered();
      counts.merge(entry.operation() + " " + key, 1, Integer::sum);
    }
    return entries.size() + " cases, " + wrong().size() + " wrong: " + counts;
  }

  /** Writes {@code matrix.md} and {@code matrix.csv}. */
  void write(Path directory) throws IOException {
    Files.createDirectories(directory);
    Map<String, Map<Kind, String>> rows = new TreeMap<>();
    StringBuilder csv =
        new StringBuilder(
            "operation,place,number,phase,what,kind,met,failure,found,recover,wrong\n");
    for (Entry entry : entries) {
      Result result = entry.result();
      Point point = result.which().point();
      csv.append(
          String.join(
              ",",
              entry.operation(),
              point.place().toString(),
              String.valueOf(point.number()),
              quoted(point.phase()),
              quoted(point.what()),
              result.which().kind().toString(),
              String.valueOf(result.met()),
              quoted(result.failure()),
              quoted(result.found()),
              quoted(result.recovered()),
              quoted(result.wrong())));
      csv.append('\n');
      String row =
          String.format(
              "| %s | %s | %s %04d | %s |",
              entry.operation(),
              point.phase(),
              point.place(),
              point.number(),
              point.what().replace('|', '/'));
      String cell =
          result.met()
              ? (result.failure().isEmpty() ? "went on" : result.failure())
                  + ": "
                  + result.found()
                  + "; recover: "
                  + result.recovered()
                  + (result.wrong().isEmpty() ? "" : " WRONG")
              : "not reached";
      rows.computeIfAbsent(row, r -> new EnumMap<>(Kind.class)).put(result.which().kind(), cell);
    }
    StringBuilder table = new StringBuilder("# Faults and what came of them\n\n");
    table.append(summary()).append("\n\nPoints of one run: ").append(points).append("\n\n");
    table.append("| operation | step | point | what |");
    StringBuilder line = new StringBuilder("|---|---|---|---|");
    for (Kind kind : Kind.values()) {
      table.append(' ').append(kind).append(" |");
      line.append("---|");
    }
    table.append('\n').append(line).append('\n');
    rows.forEach(
        (row, cells) -> {
          table.append(row);
          for (Kind kind : Kind.values()) {
            table.append(' ').append(cells.getOrDefault(kind, "")).append(" |");
          }
          table.append('\n');
        });
    Files.writeString(directory.resolve("matrix.md"), table);
    Files.writeString(directory.resolve("matrix.csv"), csv);
  }

  private static String quoted(String text) {
    return '"' + text.replace("\"", "\"\"").replace('\n', ' ') + '"';
  }
}
