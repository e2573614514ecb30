package org.lucos.patcher.build;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Locale;

/** Writes what a listener is told to a file as well, with seconds since the build began. */
final class BuildLog implements BuildListener {
  private final Path file;
  private final Clock clock;
  private final Instant start;
  private final BuildListener listener;

  BuildLog(Path file, Clock clock, BuildListener listener) {
    this.file = file;
    this.clock = clock;
    this.start = clock.instant();
    this.listener = listener;
  }

  @Override
  public void step(String what) {
    write(what);
    listener.step(what);
  }

  @Override
  public void progress(long done, long total) {
    listener.progress(done, total);
  }

  @Override
  public void note(String text) {
    write("note: " + text);
    listener.note(text);
  }

  /** The build ends with this error; its directory stays. */
  void failed(String why) {
    write("failed: " + why);
    listener.note("the build is kept in " + file.getParent());
  }

  private void write(String text) {
    double seconds = Duration.between(start, clock.instant()).toMillis() / 1000.0;
    String line = String.format(Locale.ROOT, "%8.1f %s%n", seconds, text);
    try {
      Files.writeString(
          file, line, StandardCharsets.UTF_8, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
    } catch (IOException e) {
      throw new BuildFailedException("cannot write " + file, e);
    }
  }
}
