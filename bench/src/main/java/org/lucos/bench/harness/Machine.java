package org.lucos.bench.harness;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * The host of a run.
 *
 * @param cpu its model
 * @param cpus how many
 * @param kernel its release
 * @param load the load average over a minute, before and after
 */
public record Machine(String cpu, int cpus, String kernel, String load) {

  /** This host as it is. */
  public static Machine now() {
    String model =
        read("/proc/cpuinfo")
            .lines()
            .filter(line -> line.startsWith("model name"))
            .map(line -> line.substring(line.indexOf(':') + 1).strip())
            .findFirst()
            .orElse("unknown");
    return new Machine(
        model,
        Runtime.getRuntime().availableProcessors(),
        read("/proc/sys/kernel/osrelease").strip(),
        average());
  }

  /** The same host later. */
  public Machine after() {
    return new Machine(cpu, cpus, kernel, load + " to " + average());
  }

  private static String average() {
    return read("/proc/loadavg").split(" ", 2)[0];
  }

  private static String read(String file) {
    try {
      return Files.readString(Path.of(file));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
