package org.lucos.bridge.qemu;

import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.lucos.bridge.watchdog.WatchdogProcess;

/**
 * What a debug session needs before its first pause, and can be got while other things are done: a
 * watchdog process that has come up, and code that has run once.
 */
final class SessionPreparation implements AutoCloseable {
  /** A controller that died is done with after less; one that lives keeps the port for longer. */
  private static final Duration TAKE_OVER_PATIENCE = Duration.ofSeconds(3);

  private final WatchdogProcess watchdog;
  private final CompletableFuture<Void> rehearsal;
  private boolean usedUp;

  private SessionPreparation(WatchdogProcess watchdog) {
    this.watchdog = watchdog;
    this.rehearsal = CompletableFuture.runAsync(StubRehearsal::run);
  }

  /** Begins; returns at once. */
  static SessionPreparation begin(List<String> watchdogCommand) throws IOException {
    return new SessionPreparation(WatchdogProcess.start(watchdogCommand));
  }

  /** Whether the watchdog is there and nobody has taken it. */
  boolean isUsable() {
    return !usedUp && watchdog.alive();
  }

  /**
   * Waits until all is done and nobody uses the port.
   *
   * @return the watchdog, which is the caller's from now on
   * @throws IOException if there is none; it is ended then
   */
  WatchdogProcess ready(DebugPort port) throws IOException {
    boolean done = false;
    try {
      port.awaitFree(TAKE_OVER_PATIENCE);
      rehearsal.join();
      try {
        watchdog.awaitReady();
      } catch (IOException e) {
        port.requireFree(); // or the watchdog waits in vain for that of another controller
        throw e;
      }
      done = true;
    } finally {
      if (!done) {
        close();
      }
    }
    usedUp = true;
    return watchdog;
  }

  /** Ends what has been got in vain. */
  @Override
  public void close() throws IOException {
    if (!usedUp) {
      usedUp = true;
      watchdog.dismiss();
    }
  }
}
