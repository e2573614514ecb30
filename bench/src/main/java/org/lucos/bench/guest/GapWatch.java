package org.lucos.bench.guest;

import com.google.common.util.concurrent.Uninterruptibles;
import java.time.Duration;

/**
 * Programs in a guest, one bound to each vCPU, that look at the time stamp counter all the time
 * ({@code clock_gap} of {@code vm-images/programs}): how long did one of them not run? Where the
 * guest is emulated the counter stands still in a pause, too.
 */
public final class GapWatch {
  /** The program counts from anew 100 ms after it was asked. */
  private static final Duration SETTLED = Duration.ofMillis(300);

  /** A shell in the guest. */
  @FunctionalInterface
  public interface Shell {
    /** Runs a command, which must succeed, and gives what it printed. */
    String run(String command);
  }

  private final Shell shell;
  private int asked;

  private GapWatch(Shell shell) {
    this.shell = shell;
  }

  /** Starts them. They run until the guest ends. */
  public static GapWatch start(Shell shell) {
    shell.run(
        "clock_gap >/tmp/gaps 2>&1 & echo $! >/tmp/gaps.pid;"
            + " until grep -q ready /tmp/gaps; do kill -0 $(cat /tmp/gaps.pid) || exit 1; sleep 0.1; done");
    return new GapWatch(shell);
  }

  /**
   * The longest time that one of them did not run while {@code work} was done, in microseconds. A
   * guest that does not say is a command that does not end: the shell's to throw.
   */
  public long around(Runnable work) {
    longest();
    Uninterruptibles.sleepUninterruptibly(SETTLED);
    work.run();
    return longest();
  }

  private long longest() {
    asked++;
    String said =
        shell.run(
            "kill -USR1 $(cat /tmp/gaps.pid); until grep -q '^"
                + asked
                + " ' /tmp/gaps; do sleep 0.1; done; tail -n 1 /tmp/gaps");
    return Long.parseLong(said.strip().substring(said.strip().indexOf(' ') + 1));
  }
}
