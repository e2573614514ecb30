package org.lucos.patcher.app;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * Runs probes beside whoever watches the guest from outside, so that an agent that takes its time
 * keeps nobody from seeing: once at once, then again and again until told to finish, or one fails.
 */
final class ProbeWatch implements AutoCloseable {
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
