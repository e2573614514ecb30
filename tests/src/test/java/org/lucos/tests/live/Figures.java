package org.lucos.tests.live;

import java.io.IOException;
import java.nio.file.Files;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import org.lucos.bench.harness.Distribution;
import org.lucos.bench.harness.Samples;
import org.lucos.bench.harness.Series;
import org.lucos.tests.guest.Repository;

/** Says figures in the way that {@code tests/hosts.sh --figures} makes a table of. */
final class Figures {
  private Figures() {}

  /**
   * A line for each of the samples' series, in milliseconds; the values themselves go into a file.
   *
   * @param samples in microseconds
   * @param file its name
   */
  @SuppressWarnings("SystemOut")
  static void say(String place, Samples samples, String file) throws IOException {
    System.out.println("FIGURES|" + place);
    for (Series series : samples.series()) {
      Distribution all = series.distribution();
      System.out.println(
          String.format(
              Locale.ROOT,
              "FIGURE|%s|%.2f|%.2f|%d",
              series.name(),
              all.median() / 1000.0,
              all.most() / 1000.0,
              all.count()));
    }
    List<String> raw =
        samples.series().stream()
            .map(
                series ->
                    series.name()
                        + "\t"
                        + series.samples().stream()
                            .map(String::valueOf)
                            .collect(Collectors.joining(" ")))
            .toList();
    Files.write(Files.createDirectories(Repository.logs()).resolve(file), raw);
  }
}
