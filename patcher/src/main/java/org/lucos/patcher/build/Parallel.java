package org.lucos.patcher.build;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;

/** The same work on many things, one at a time on each processor. */
final class Parallel {
  private static final long TICK_MILLIS = 500;

  private Parallel() {}

  /**
   * What {@code work} makes of each item, in their order. If it fails for one, the rest is given up
   * and that failure thrown. The listener is told how many are done, on this thread.
   */
  static <T, R> List<R> map(List<T> items, BuildListener listener, Function<T, R> work) {
    int threads = Math.max(1, Math.min(items.size(), Runtime.getRuntime().availableProcessors()));
    ExecutorService pool =
        Executors.newFixedThreadPool(
            threads,
            task -> {
              Thread thread = new Thread(task, "lucos-compile");
              thread.setDaemon(true);
              return thread;
            });
    try {
      List<Future<R>> running = new ArrayList<>();
      for (T item : items) {
        running.add(pool.submit(() -> work.apply(item)));
      }
      List<R> results = new ArrayList<>();
      for (Future<R> one : running) {
        results.add(await(one, running, listener));
      }
      return results;
    } finally {
      pool.shutdownNow();
    }
  }

  private static <R> R await(Future<R> one, List<Future<R>> all, BuildListener listener) {
    while (true) {
      try {
        R result = one.get(TICK_MILLIS, TimeUnit.MILLISECONDS);
        tell(all, listener);
        return result;
      } catch (TimeoutException e) {
        tell(all, listener);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new BuildFailedException("interrupted", e);
      } catch (ExecutionException e) {
        if (e.getCause() instanceof RuntimeException cause) {
          throw cause;
        }
        throw new BuildFailedException("a part of the build failed", e);
      }
    }
  }

  private static <R> void tell(List<Future<R>> all, BuildListener listener) {
    listener.progress(all.stream().filter(Future::isDone).count(), all.size());
  }
}
