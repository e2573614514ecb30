package org.lucos.bench.scenario;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;

/**
 * Asks a service at times fixed beforehand, whether it has answered the last time or not, and takes
 * the time of each answer from when its question was due: who waits in front of a service that
 * stands still is counted too.
 */
final class OpenLoop implements AutoCloseable {
  private final Runnable request;
  private final Duration interval;
  private final ExecutorService client = Executors.newSingleThreadExecutor();

  /**
   * @param request asks and waits for the answer; called by a thread of its own
   * @param interval from one question to the next; longer than an answer usually takes
   */
  OpenLoop(Runnable request, Duration interval) {
    this.request = request;
    this.interval = interval;
  }

  /**
   * Microseconds of each answer while something is done, and for {@code margin} before and after.
   */
  List<Long> around(Duration margin, Runnable work) {
    AtomicBoolean over = new AtomicBoolean();
    Future<List<Long>> answers = client.submit(() -> ask(over));
    try {
      LockSupport.parkNanos(margin.toNanos());
      work.run();
      LockSupport.parkNanos(margin.toNanos());
    } finally {
      over.set(true);
    }
    try {
      return answers.get();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while a service is measured", e);
    } catch (ExecutionException e) {
      throw new IllegalStateException("the service does not answer", e.getCause());
    }
  }

  private List<Long> ask(AtomicBoolean over) {
    List<Long> latencies = new ArrayList<>();
    long due = System.nanoTime();
    while (!over.get()) {
      while (System.nanoTime() < due) {
        LockSupport.parkNanos(due - System.nanoTime());
      }
      request.run();
      latencies.add((System.nanoTime() - due) / 1000);
      due += interval.toNanos();
    }
    return latencies;
  }

  @Override
  public void close() {
    client.shutdownNow();
  }
}
