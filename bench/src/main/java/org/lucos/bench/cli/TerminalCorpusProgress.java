package org.lucos.bench.cli;

import com.google.common.base.Stopwatch;
import java.io.PrintWriter;
import java.util.concurrent.TimeUnit;
import me.tongfei.progressbar.ConsoleProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;
import org.jspecify.annotations.Nullable;
import org.lucos.bench.corpus.CorpusProgress;

/** A bar on a terminal; elsewhere a line a result, with the seconds since the start. */
final class TerminalCorpusProgress implements CorpusProgress, AutoCloseable {
  private final PrintWriter err;
  private final boolean terminal;
  private final Stopwatch watch = Stopwatch.createStarted();
  private @Nullable ProgressBar bar;
  private long total;

  TerminalCorpusProgress(PrintWriter err, boolean terminal) {
    this.err = err;
    this.terminal = terminal;
  }

  @Override
  public synchronized void stage(String name, long size) {
    close();
    total = size;
    if (terminal) {
      bar =
          new ProgressBarBuilder()
              .setTaskName(name)
              .setInitialMax(size > 0 ? size : -1)
              .setUpdateIntervalMillis(500)
              .setStyle(ProgressBarStyle.ASCII)
              .setConsumer(new ConsoleProgressBarConsumer(System.err))
              .build();
    } else {
      line(size > 0 ? name + ": " + size : name);
    }
  }

  @Override
  public synchronized void done(long count, String last) {
    if (bar != null) {
      bar.stepTo(count);
      bar.setExtraMessage(last);
    } else if (!last.isEmpty()) {
      line(count + "/" + total + " " + last);
    }
  }

  @Override
  public synchronized void note(String text) {
    if (bar != null) {
      bar.setExtraMessage(text);
    } else {
      line(text);
    }
  }

  private void line(String text) {
    err.printf("%7d s  %s%n", watch.elapsed(TimeUnit.SECONDS), text);
  }

  @Override
  public synchronized void close() {
    if (bar != null) {
      bar.close();
      bar = null;
    }
  }
}
