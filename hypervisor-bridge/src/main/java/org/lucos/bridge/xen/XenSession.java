package org.lucos.bridge.xen;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.function.LongSupplier;
import org.lucos.bridge.jna.NativeCallException;
import org.lucos.bridge.watchdog.UndoRecord;
import org.lucos.bridge.watchdog.WatchdogProcess;
import org.lucos.bridge.watchdog.WatchdogProtocol;

/**
 * A watchdog over a guest, and the stops it watches. Any failure while the guest is held ends the
 * session: the watchdog then puts back what was not committed and takes the stop back.
 *
 * <p>Nothing keeps a controller that hangs, and comes back after the watchdog has let the guest
 * run, from writing: it has the memory mapped. So before each write it is made sure that the
 * watchdog has not acted, with an answer of its own or by the clock, which both processes share.
 */
final class XenSession implements AutoCloseable {
  private final DomainControlCall control;
  private final int domain;
  private final WatchdogProcess watchdog;
  private final UndoRecord undo;
  private final long trusted;
  private final LongSupplier nanoClock;
  private boolean running;
  private long lastSign;
  private boolean broken;

  private XenSession(
      DomainControlCall control,
      int domain,
      WatchdogProcess watchdog,
      UndoRecord undo,
      Duration silenceLimit,
      LongSupplier nanoClock) {
    this.control = control;
    this.domain = domain;
    this.watchdog = watchdog;
    this.undo = undo;
    this.trusted = silenceLimit.toNanos() / 2;
    this.nanoClock = nanoClock;
  }

  /**
   * Begins one.
   *
   * @param watchdog has been started, and is this session's from now on
   * @param guard stands for the guest, as for the watchdog
   */
  static XenSession open(
      DomainControlCall control,
      int domain,
      WatchdogProcess watchdog,
      Path guard,
      Duration silenceLimit,
      LongSupplier nanoClock)
      throws IOException {
    boolean done = false;
    try {
      watchdog.awaitReady();
      UndoRecord undo = UndoRecord.create(UndoRecord.beside(guard)); // the guest is ours now
      done = true;
      return new XenSession(control, domain, watchdog, undo, silenceLimit, nanoClock);
    } finally {
      if (!done) {
        watchdog.dismiss();
      }
    }
  }

  /** Whether the session can be used: nothing has failed in it yet. */
  boolean usable() {
    return !broken && watchdog.alive();
  }

  /**
   * Arms the watchdog, as has to be done before a {@link #stop}.
   *
   * @param guestRuns whether the guest is known to run
   * @param then is called at the end; should it fail, the watchdog is disarmed
   */
  void arm(boolean guestRuns, Runnable then) throws IOException {
    undo.touch();
    running = guestRuns;
    tell(new WatchdogProtocol.Arm(guestRuns));
    boolean done = false;
    try {
      then.run();
      done = true;
    } finally {
      if (!done) {
        tell(new WatchdogProtocol.Disarm());
      }
    }
  }

  /**
   * Stops the guest. The note that it is held must not be missing where the guest would stand for
   * ever, nor be there where a guest that others hold would be let run.
   */
  void stop() throws IOException {
    undo.held(running);
    try {
      control.pause(domain);
    } catch (NativeCallException e) {
      undo.held(false);
      throw broken(new IOException(e.getMessage(), e));
    }
    undo.held(true);
  }

  /**
   * Takes down how memory is, before it is written: from now on the watchdog would put that back.
   */
  void announce(List<UndoRecord.Former> before) throws IOException {
    try {
      undo.add(before);
    } catch (IOException e) {
      throw broken(e);
    }
  }

  /** Fails if the watchdog has ended the pause, or is not there any more. */
  void requireWatched() throws IOException {
    if (!watchdog.alive()) {
      throw broken(new IOException("the watchdog ended"));
    }
    if (nanoClock.getAsLong() - lastSign > trusted) {
      tell(new WatchdogProtocol.Hold());
    }
  }

  /** Declares all writes final. */
  void commit() throws IOException {
    requireWatched(); // what the watchdog has put back is not there
    undo.clear();
  }

  /**
   * Takes the stop back; the writes stay.
   *
   * @return {@code System.nanoTime()} when that was done
   */
  long resume() throws IOException {
    requireWatched();
    undo.clear(); // should we end right here, the stop is taken back by the watchdog
    if (!running) {
      undo.held(false);
    }
    try {
      control.unpause(domain);
    } catch (NativeCallException e) {
      throw broken(new IOException(e.getMessage(), e));
    }
    undo.held(false);
    long resumedAt = System.nanoTime();
    tell(new WatchdogProtocol.Disarm());
    return resumedAt;
  }

  private void tell(WatchdogProtocol.Order order) throws IOException {
    long now = nanoClock.getAsLong(); // not later than the watchdog's own time
    try {
      watchdog.tell(order);
    } catch (IOException e) {
      throw broken(e);
    }
    lastSign = now;
  }

  /** Ends the session for good: what is held is given to the watchdog to put right. */
  IOException broken(IOException cause) {
    if (!broken) {
      broken = true;
      try {
        if (watchdog.alive()) {
          watchdog.handOver();
        } else if (undo.isHeld()) {
          undo.held(false);
          control.unpause(domain); // no watchdog any more: nobody else will
        }
      } catch (IOException | RuntimeException e) {
        cause.addSuppressed(e);
      }
    }
    return cause;
  }

  /** Ends the watchdog; to be called while the guest is not held. */
  @Override
  public void close() throws IOException {
    if (broken) {
      return;
    }
    broken = true;
    if (watchdog.alive()) {
      watchdog.close();
    }
    undo.delete();
  }
}
