package org.lucos.bridge.watchdog;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.PrintStream;
import java.time.Duration;
import java.util.Optional;
import java.util.function.LongSupplier;

/**
 * Stands by while a controller may hold a guest stopped, in a process of its own. If the controller
 * ends or stays silent while the guest is stopped, it puts back what was announced and not
 * committed, newest first, lets the guest run (unless it had been found stopped) and closes what
 * was opened for it.
 */
public final class PauseWatchdog {

  /** How a guest that was left stopped is put right. */
  public interface Rescue {
    /**
     * Puts back what was announced and not committed, newest first, and ends the hold.
     *
     * @param resume whether the guest is to run then
     * @param afresh whether somebody else may have the way to the guest now, such as a controller
     *     that hangs, or much may have happened since the guest was stopped
     * @throws GuestGoneException if there is no guest any more
     * @throws IOException if it did not work now; it is tried again
     */
    Outcome restore(boolean resume, boolean afresh) throws IOException;

    /**
     * Closes what was opened to hold the guest, if that is left to do.
     *
     * @throws GuestGoneException if there is no guest any more
     */
    void close();
  }

  /**
   * What a rescue did.
   *
   * @param undone writes that were put back
   * @param resumed whether the guest was let run
   */
  public record Outcome(int undone, boolean resumed) {}

  /** The guest has ended: there is nothing to put right. */
  public static final class GuestGoneException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** Found through {@code cause}. */
    public GuestGoneException(Throwable cause) {
      super(cause.getMessage(), cause);
    }
  }

  private static final Duration TAKE_OVER_LIMIT = Duration.ofSeconds(60);
  private static final Duration RETRY_DELAY = Duration.ofMillis(20);

  private final Rescue rescue;
  private final Duration silenceLimit;
  private final PrintStream messages;
  private final LongSupplier nanoClock;

  private Optional<WatchdogProtocol.Arm> armed = Optional.empty();
  private boolean expired;
  private boolean quit;
  private long lastNews;

  /**
   * @param rescue what is done with the guest
   * @param silenceLimit how long a controller may hold the guest without a word
   * @param messages where to tell an operator what was done
   */
  public PauseWatchdog(
      Rescue rescue, Duration silenceLimit, PrintStream messages, LongSupplier nanoClock) {
    this.rescue = rescue;
    this.silenceLimit = silenceLimit;
    this.messages = messages;
    this.nanoClock = nanoClock;
  }

  /** Watches until the controller has ended and all is in order. */
  public void run(BufferedReader orders, PrintStream answers) {
    Thread timer = new Thread(this::watchSilence, "silence");
    timer.setDaemon(true);
    timer.start();
    say(answers, WatchdogProtocol.READY);
    try {
      String line = orders.readLine();
      while (line != null && !accept(line, answers)) {
        line = orders.readLine();
      }
    } catch (IOException e) {
      messages.println("lucos watchdog: cannot hear the controller any more: " + e.getMessage());
    }
    controllerEnded();
  }

  /** Returns whether the controller is done. */
  private synchronized boolean accept(String line, PrintStream answers) {
    lastNews = nanoClock.getAsLong();
    if (expired) {
      say(answers, WatchdogProtocol.EXPIRED);
      return false;
    }
    Optional<WatchdogProtocol.Order> order = WatchdogProtocol.parse(line);
    if (order.isEmpty()) {
      say(answers, "bad order");
      return false;
    }
    apply(order.get());
    say(answers, WatchdogProtocol.OK);
    return quit;
  }

  private void apply(WatchdogProtocol.Order order) {
    if (order instanceof WatchdogProtocol.Arm arm) {
      armed = Optional.of(arm);
      notifyAll(); // news of other kinds only put off when silence lasts too long
    } else if (order instanceof WatchdogProtocol.Disarm) {
      armed = Optional.empty();
    } else if (order instanceof WatchdogProtocol.Quit) {
      quit = true;
    }
  }

  private synchronized void controllerEnded() {
    if (quit || expired) {
      return;
    }
    if (armed.isPresent()) {
      takeOver("the controller ended", false);
    }
    closeUp();
  }

  private synchronized void watchSilence() {
    try {
      while (true) {
        if (armed.isEmpty()) {
          wait();
          continue;
        }
        long left = silenceLimit.toNanos() - (nanoClock.getAsLong() - lastNews);
        if (left > 0) {
          wait(left / 1_000_000 + 1);
          continue;
        }
        expired = true;
        takeOver("the controller was silent for " + silenceLimit.toMillis() + " ms", true);
        closeUp();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void takeOver(String reason, boolean controllerLives) {
    boolean resume = armed.map(WatchdogProtocol.Arm::resume).orElse(true);
    armed = Optional.empty();
    long deadline = nanoClock.getAsLong() + TAKE_OVER_LIMIT.toNanos();
    boolean afresh = controllerLives;
    String failure;
    do {
      try {
        Outcome outcome = rescue.restore(resume, afresh);
        messages.println(
            "lucos watchdog: "
                + reason
                + " while the guest was stopped; writes undone: "
                + outcome.undone()
                + (outcome.resumed() ? "; the guest runs again" : "; the guest stays paused"));
        return;
      } catch (GuestGoneException e) {
        return;
      } catch (IOException | RuntimeException e) {
        failure = e.toString();
        afresh = true; // what it took may be gone, or held by a process that hangs
      }
    } while (pause() && nanoClock.getAsLong() < deadline);
    messages.println("lucos watchdog: " + reason + "; could not restore the guest: " + failure);
  }

  private boolean pause() {
    try {
      Thread.sleep(RETRY_DELAY.toMillis());
      return true;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  private void closeUp() {
    try {
      rescue.close();
    } catch (GuestGoneException e) {
      // what was opened is gone with it
    } catch (RuntimeException e) {
      messages.println("lucos watchdog: could not close what held the guest: " + e.getMessage());
    }
  }

  private static void say(PrintStream answers, String line) {
    answers.print(line + "\n");
    answers.flush();
  }
}
