package org.lucos.patcher.build;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;

/** Long work, with somebody told twice a second that it is still going on. */
final class Watched {
  private static final long TICK_MILLIS = 500;

  /**
   * A thread for each task. The common pool will not do: tasks that wait for each other (the
   * readers of one process's output and errors) would queue up behind one another there.
   */
  static final Executor THREADS =
      task -> {
        Thread thread = new Thread(task, "lucos-build");
        thread.setDaemon(true);
        thread.start();
      };

  private Watched() {}

  /** Does {@code work} on another thread; {@code tick} is called on this one until it is done. */
  static <T> T run(String what, Supplier<T> work, Runnable tick) {
    CompletableFuture<T> running = CompletableFuture.supplyAsync(work, THREADS);
    while (true) {
      try {
        return running.get(TICK_MILLIS, TimeUnit.MILLISECONDS);
      } catch (TimeoutException e) {
        tick.run();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new BuildFailedException("interrupted: " + what, e);
      } catch (ExecutionException e) {
        if (e.getCause() instanceof RuntimeException cause) {
          throw cause;
        }
        throw new BuildFailedException(what + " failed", e);
      }
    }
  }
}
