package org.lucos.tests.guest;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;

/** Runs programs of the host to their end. */
public final class HostCommand {
  private HostCommand() {}

  /**
   * Runs the command and returns its standard output.
   *
   * @throws GuestFailure with its standard error if it fails or does not end in time
   */
  public static String run(Duration limit, List<String> command) {
    try {
      Path out = Files.createTempFile("lucos-out", "");
      Path err = Files.createTempFile("lucos-err", "");
      try {
        Process process =
            new ProcessBuilder(command)
                .redirectInput(ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()))
                .redirectOutput(out.toFile())
                .redirectError(err.toFile())
                .start();
        boolean ended = process.waitFor(limit.toMillis(), TimeUnit.MILLISECONDS);
        if (!ended) {
          process.destroyForcibly().waitFor();
        }
        if (!ended || process.exitValue() != 0) {
          String how = ended ? "fails with " + process.exitValue() : "takes longer than " + limit;
          throw new GuestFailure(
              String.join(" ", command)
                  + ": "
                  + how
                  + "\n"
                  + Files.readString(out)
                  + Files.readString(err));
        }
        return Files.readString(out, StandardCharsets.UTF_8);
      } finally {
        Files.delete(out);
        Files.delete(err);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new GuestFailure("interrupted: " + String.join(" ", command), e);
    }
  }

  /** Reads lines of the form {@code key=value}. */
  static Map<String, String> facts(String lines) {
    return lines
        .lines()
        .filter(line -> line.contains("="))
        .collect(
            Collectors.toMap(
                line -> line.substring(0, line.indexOf('=')),
                line -> line.substring(line.indexOf('=') + 1)));
  }
}
