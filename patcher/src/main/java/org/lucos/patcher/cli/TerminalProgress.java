package org.lucos.patcher.cli;

import java.io.PrintWriter;
import me.tongfei.progressbar.ConsoleProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;
import org.jspecify.annotations.Nullable;
import org.lucos.patcher.app.Progress;

/** Shows phases while they last: a bar on a terminal, lines where verbose, nothing otherwise. */
final class TerminalProgress implements Progress, AutoCloseable {
  private final PrintWriter err;
  private final boolean terminal;
  private final boolean verbose;
  private @Nullable ProgressBar bar;

  TerminalProgress(PrintWriter err, boolean terminal, boolean verbose) {
    this.err = err;
    this.terminal = terminal;
    this.verbose = verbose;
  }

  @Override
  public void phase(String name) {
    finish();
    if (verbose) {
      err.println("-- " + name);
    } else if (terminal) {
      bar =
          new ProgressBarBuilder()
              .setTaskName(name)
              .setInitialMax(-1)
              .setUpdateIntervalMillis(200)
              .setStyle(ProgressBarStyle.ASCII)
              .setConsumer(new ConsoleProgressBarConsumer(System.err))
              .clearDisplayOnFinish()
              .build();
    }
  }

  @Override
  public void detail(String text) {
    if (verbose) {
      err.println("   " + text);
    } else if (bar != null) {
      bar.setExtraMessage(text);
    }
  }

  /** Ends the last phase, so that results can be printed. */
  void finish() {
    if (bar != null) {
      bar.close();
      bar = null;
    }
  }

  @Override
  public void close() {
    finish();
  }
}
