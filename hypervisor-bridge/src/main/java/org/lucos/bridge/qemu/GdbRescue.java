package org.lucos.bridge.qemu;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.lucos.bridge.domain.DomainRefusal;
import org.lucos.bridge.domain.DomainRefusedException;
import org.lucos.bridge.domain.DomainState;
import org.lucos.bridge.watchdog.PauseWatchdog;
import org.lucos.bridge.watchdog.UndoRecord;

/** Puts a QEMU guest right through its debug port. */
public final class GdbRescue implements PauseWatchdog.Rescue {

  /** The debug port, as far as a watchdog handles it; opened through the domain's manager. */
  public interface Port {
    /**
     * Makes the gdbstub listen afresh, throwing out whoever is connected.
     *
     * @throws PauseWatchdog.GuestGoneException if there is no guest any more
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
     * @throws PauseWatchdog.GuestGoneException if there is no guest any more
     */
    void close();
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
            throw new PauseWatchdog.GuestGoneException(e);
          }
          throw e;
        }
      }
    };
  }

  private final Path socket;
  private final Port port;
  private final PrintStream messages;

  /**
   * @param socket where the gdbstub listens
   * @param port to reach the gdbstub anew when a hung controller keeps it
   * @param messages where to tell an operator what could not be done
   */
  public GdbRescue(Path socket, Port port, PrintStream messages) {
    this.socket = socket;
    this.port = port;
    this.messages = messages;
  }

  @Override
  public PauseWatchdog.Outcome restore(boolean wanted, boolean afresh) throws IOException {
    boolean resume = wanted;
    if (afresh) {
      port.reopen();
      resume = resume && port.mayResume(); // much may have happened since it was stopped
    }
    try (GdbStub stub = GdbStub.open(socket)) {
      List<UndoRecord.Former> undo = announced(); // of a hung one not before it is thrown out
      for (int i = undo.size() - 1; i >= 0; i--) {
        UndoRecord.Former former = undo.get(i);
        stub.write(List.of(new GdbStub.Write(former.physical(), former.bytes())));
      }
      if (resume) {
        stub.detach();
      } else {
        stub.release();
      }
      return new PauseWatchdog.Outcome(undo.size(), resume);
    }
  }

  /** A guest must not stand still because of a record that is lost. */
  private List<UndoRecord.Former> announced() {
    try {
      return UndoRecord.read(UndoRecord.beside(socket));
    } catch (IOException e) {
      messages.println("lucos watchdog: what was written cannot be put back: " + e);
      return List.of();
    }
  }

  @Override
  public void close() {
    port.close();
  }
}
