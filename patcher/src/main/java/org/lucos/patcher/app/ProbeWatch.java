package org.lucos.patcher.app;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Runs probes beside whoever watches the guest from outside, so that an agent that takes its time
 * keeps nobody from seeing: once at once, then again and again until told to finish, or one fails.
 */
final class ProbeWatch implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(ProbeWatch.class);

  /** Between two rounds. */
  private static final Duration PERIOD = Duration.ofSeconds(2);

  /** Who does not end within this is left to end alone. */
  private static final Duration FAREWELL = Duration.ofSeconds(1);

  private final PatchProbes probes;
  private final CountDownLatch finish = new CountDownLatch(1);
  private final Thread thread;

  ProbeWatch(PatchProbes probes) {
    this.probes = probes;
    this.thread = new Thread(this::run, "probes");
    thread.setDaemon(true);
    thread.start();
  }

  private void run() {
    try {
      probes.after();
      while (probes.repeats()
          && probes.failure().isEmpty()
          && !finish.await(PERIOD.toMillis(), TimeUnit.MILLISECONDS)) {
        probes.again();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (RuntimeException e) {
      LOG.warn("the probes ended early", e);
      probes.note("probe not run: " + Failures.describe(e));
    }
  }

  /** Begins no other round. */
  void finish() {
    finish.countDown();
  }

  /** Whether a round is under way, or another will come. */
  boolean isBusy() {
    return thread.isAlive();
  }

  @Override
  public void close() {
    finish();
    probes.stop();
    try {
      thread.join(FAREWELL.toMillis());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
