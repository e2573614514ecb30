package org.lucos.bridge.watchdog;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/** The controller's end of its watchdog. */
public final class WatchdogProcess implements AutoCloseable {
  /**
   * The guest runs meanwhile, so nothing is lost by waiting; in an emulated host it takes a minute.
   */
  private static final Duration START_LIMIT = Duration.ofMinutes(2);

  private static final Duration ANSWER_LIMIT = Duration.ofSeconds(2);
  private static final Duration END_LIMIT = Duration.ofSeconds(75);

  /** Answers mostly come within this time: until then it is not worth to sleep. */
  private static final long SPIN_NANOS = 200_000;

  private static final long NAP_NANOS = 50_000;
  private static final int LONGEST_ANSWER = 64;

  private static final int REHEARSALS = 20;

  private final Process process;
  private final OutputStream orders;
  private final InputStream answers;

  private WatchdogProcess(Process process) {
    this.process = process;
    this.orders = process.getOutputStream();
    this.answers = process.getInputStream();
  }

  /**
   * Starts the process, which takes a while to come up.
   *
   * @param command its command line; its stderr is ours
   */
  public static WatchdogProcess start(List<String> command) throws IOException {
    return new WatchdogProcess(
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start());
  }

  /** Waits until the process watches, without delay; if it does not in time, it is ended. */
  public void awaitReady() throws IOException {
    try {
      expect(WatchdogProtocol.READY, START_LIMIT);
      rehearse();
    } catch (IOException e) {
      process.destroy();
      throw e;
    }
  }

  /**
   * Has it take orders while it is not armed, and so would never carry them out: the first ones
   * take it many times as long, which is not to be a part of a pause.
   */
  private void rehearse() throws IOException {
    for (int i = 0; i < REHEARSALS; i++) {
      tell(new WatchdogProtocol.Hold());
    }
  }

  /** Gives an order and returns when it is taken. */
  public void tell(WatchdogProtocol.Order order) throws IOException {
    give(order);
    expect(WatchdogProtocol.OK, ANSWER_LIMIT);
  }

  private void give(WatchdogProtocol.Order order) throws IOException {
    orders.write((order.line() + "\n").getBytes(StandardCharsets.US_ASCII));
    orders.flush();
  }

  private void expect(String wanted, Duration limit) throws IOException {
    String answer = answer(limit);
    if (!answer.equals(wanted)) {
      throw new IOException("watchdog answers '" + answer + "' instead of '" + wanted + "'");
    }
  }

  @SuppressWarnings("ThreadPriorityCheck") // only to let others run; progress does not need it
  private String answer(Duration limit) throws IOException {
    StringBuilder line = new StringBuilder();
    long start = System.nanoTime();
    while (line.length() < LONGEST_ANSWER) {
      if (answers.available() > 0) {
        int octet = answers.read();
        if (octet == '\n') {
          return line.toString();
        }
        line.append((char) octet);
        continue;
      }
      long waited = System.nanoTime() - start;
      if (waited > limit.toNanos()) {
        throw new IOException("watchdog does not answer: limit=" + limit.toMillis() + " ms");
      }
      if (waited < SPIN_NANOS) {
        Thread.yield(); // it may want this very CPU
      } else if (!process.isAlive() && answers.available() == 0) {
        throw new IOException("watchdog ended: exit=" + process.exitValue());
      } else {
        LockSupport.parkNanos(NAP_NANOS);
      }
    }
    throw new IOException("watchdog answers nonsense: " + line);
  }

  /** Whether the process is there. */
  public boolean alive() {
    return process.isAlive();
  }

  /** Ends one that was never armed, whether it is ready or not. */
  public void dismiss() throws IOException {
    process.destroyForcibly();
    awaitEnd();
  }

  /**
   * Leaves all to the watchdog: it sees the end of its input, restores the guest if need be and
   * ends, which is waited for.
   */
  public void handOver() throws IOException {
    orders.close();
    awaitEnd();
  }

  /** Tells the watchdog that there is nothing left to do, and waits for its end. */
  @Override
  public void close() throws IOException {
    give(new WatchdogProtocol.Quit());
    handOver();
  }

  private void awaitEnd() throws IOException {
    try {
      if (!process.waitFor(END_LIMIT.toMillis(), TimeUnit.MILLISECONDS)) {
        throw new IOException("watchdog does not end: pid=" + process.pid());
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted while waiting for the watchdog", e);
    }
  }
}
