package org.lucos.bridge.qemu;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.LongSupplier;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.lucos.bridge.domain.DomainRefusal;
import org.lucos.bridge.domain.DomainRefusedException;
import org.lucos.bridge.domain.DomainState;

/**
 * Stands by while a controller may hold a guest stopped, in a process of its own. If the controller
 * ends or stays silent while the guest is stopped, it puts back what was announced and not
 * committed, newest first, lets the guest run (unless it had been found stopped) and closes the
 * debug port.
 */
public final class PauseWatchdog {

  /** The debug port, as far as a watchdog handles it; opened through the domain's manager. */
  public interface Port {
    /**
     * Makes the gdbstub listen afresh, throwing out whoever is connected.
     *
     * @throws GuestGoneException if there is no guest any more
     */
    void reopen();

    /**
     * Whether the guest runs, or is stopped in the ordinary way, so that it may be let run: after a
     * migration, say, it must not.
     */
    boolean mayResume();

    /**
     * Closes the gdbstub's port if it is open.
     *
     * @throws GuestGoneException if there is no guest any more
     */
    void close();
  }

  /** The guest has ended: there is nothing to put right. */
  public static final class GuestGoneException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** Found through {@code cause}. */
    public GuestGoneException(DomainRefusedException cause) {
      super(cause.getMessage(), cause);
    }
  }

  /**
   * The debug port of a domain.
   *
   * @param control finds the domain; asked for only when the port is to be handled, since in the
   *     normal course of things it never is
   */
  public static Port port(Supplier<DomainControl> control, Path socket) {
    return new Port() {
      @Override
      public void reopen() {
        use(
            domain -> {
              debugPort(domain).reopen();
              return true;
            });
      }

      @Override
      public boolean mayResume() {
        return use(domain -> mayRun(new QemuMonitor(domain).status()));
      }

      @Override
      public void close() {
        use(
            domain -> {
              debugPort(domain).close();
              return true;
            });
      }

      /** One that runs was let run, or not stopped yet; to connect to its port stops it. */
      private boolean mayRun(QemuMonitor.Status status) {
        return status.resumable() || status.state() == DomainState.RUNNING;
      }

      private DebugPort debugPort(DomainControl domain) {
        return new DebugPort(new QemuMonitor(domain), domain.identity().name(), socket);
      }

      private boolean use(Predicate<DomainControl> action) {
        try (DomainControl domain = control.get()) {
          return action.test(domain);
        } catch (DomainRefusedException e) {
          if (e.refusal() instanceof DomainRefusal.NotFound
              || e.refusal() instanceof DomainRefusal.NotRunning) {
            throw new GuestGoneException(e);
          }
          throw e;
        }
      }
    };
  }

  private static final Duration TAKE_OVER_LIMIT = Duration.ofSeconds(60);
  private static final Duration RETRY_DELAY = Duration.ofMillis(20);

  private final Path socket;
  private final Port port;
  private final Duration silenceLimit;
  private final PrintStream messages;
  private final LongSupplier nanoClock;

  private Optional<WatchdogProtocol.Arm> armed = Optional.empty();
  private boolean expired;
  private boolean quit;
  private long lastNews;

  /**
   * @param socket where the gdbstub listens
   * @param port to reach the gdbstub anew when a hung controller keeps it
   * @param silenceLimit how long a controller may hold the guest without a word
   * @param messages where to tell an operator what was done
   */
  public PauseWatchdog(
      Path socket, Port port, Duration silenceLimit, PrintStream messages, LongSupplier nanoClock) {
    this.socket = socket;
    this.port = port;
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
    closePort();
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
        closePort();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void takeOver(String reason, boolean controllerHoldsPort) {
    boolean resume = armed.map(WatchdogProtocol.Arm::resume).orElse(true);
    armed = Optional.empty();
    long deadline = nanoClock.getAsLong() + TAKE_OVER_LIMIT.toNanos();
    boolean reopen = controllerHoldsPort;
    String failure;
    do {
      try {
        if (reopen) {
          port.reopen();
          resume = resume && port.mayResume(); // much may have happened since it was stopped
        }
        int undone = restore(resume);
        messages.println(
            "lucos watchdog: "
                + reason
                + " while the guest was stopped; writes undone: "
                + undone
                + (resume ? "; the guest runs again" : "; the guest stays paused"));
        return;
      } catch (GuestGoneException e) {
        return;
      } catch (IOException | RuntimeException e) {
        failure = e.toString();
        reopen = true; // the listener may be gone or held by a process that hangs
      }
    } while (pause() && nanoClock.getAsLong() < deadline);
    messages.println("lucos watchdog: " + reason + "; could not restore the guest: " + failure);
  }

  private int restore(boolean resume) throws IOException {
    try (GdbStub stub = GdbStub.open(socket)) {
      List<GdbStub.Write> undo = announced(); // of a hung controller not before it is thrown out
      for (int i = undo.size() - 1; i >= 0; i--) {
        stub.write(List.of(undo.get(i)));
      }
      if (resume) {
        stub.detach();
      } else {
        stub.release();
      }
      return undo.size();
    }
  }

  /** A guest must not stand still because of a record that is lost. */
  private List<GdbStub.Write> announced() {
    try {
      return UndoRecord.read(UndoRecord.beside(socket));
    } catch (IOException e) {
      messages.println("lucos watchdog: what was written cannot be put back: " + e);
      return List.of();
    }
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

  private void closePort() {
    try {
      port.close();
    } catch (GuestGoneException e) {
      // its port is gone with it
    } catch (RuntimeException e) {
      messages.println("lucos watchdog: could not close the debug port: " + e.getMessage());
    }
  }

  private static void say(PrintStream answers, String line) {
    answers.print(line + "\n");
    answers.flush();
  }
}
