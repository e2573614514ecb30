package org.lucos.bridge.qemu;

import java.io.IOException;
import java.time.Duration;
import java.util.List;
import org.lucos.bridge.domain.DomainState;
import org.lucos.bridge.domain.PauseLog;
import org.lucos.bridge.vcpu.VcpuRegisters;
import org.lucos.bridge.watchdog.UndoRecord;
import org.lucos.bridge.watchdog.WatchdogProcess;
import org.lucos.bridge.watchdog.WatchdogProtocol;

/**
 * An open debug port with a connection to it and a watchdog over both. Between pauses the guest
 * runs (or is as others left it) and the watchdog is disarmed. Any failure while the guest is held
 * ends the session: the watchdog then puts back what was not committed and lets the guest run.
 */
final class DebugSession implements AutoCloseable {
  private final DebugPort port;
  private final GdbStub stub;
  private final WatchdogProcess watchdog;
  private final UndoRecord undo;
  private final CpuLatencyRequest awake = new CpuLatencyRequest();
  private final Runnable beginEpoch;
  private boolean broken;

  private DebugSession(
      DebugPort port,
      GdbStub stub,
      WatchdogProcess watchdog,
      UndoRecord undo,
      Runnable beginEpoch) {
    this.port = port;
    this.stub = stub;
    this.watchdog = watchdog;
    this.undo = undo;
    this.beginEpoch = beginEpoch;
  }

  /**
   * Opens the port and connects. The guest stands still while connecting; that pause is logged as
   * {@code connect}.
   *
   * @param preparation whose watchdog is used up
   */
  static DebugSession open(
      DebugPort port,
      QemuMonitor monitor,
      SessionPreparation preparation,
      PauseLog log,
      Runnable beginEpoch)
      throws IOException {
    WatchdogProcess watchdog = preparation.ready(port);
    UndoRecord undo;
    try {
      undo = UndoRecord.create(UndoRecord.beside(port.socket())); // the port is the watchdog's now
      port.open();
    } catch (IOException | RuntimeException e) {
      closeQuietly(watchdog, e);
      throw e;
    }
    try {
      boolean running = monitor.status().state() == DomainState.RUNNING;
      watchdog.tell(new WatchdogProtocol.Arm(running));
      beginEpoch.run();
      long start = System.nanoTime();
      GdbStub stub = GdbStub.open(port.socket());
      DebugSession session = new DebugSession(port, stub, watchdog, undo, beginEpoch);
      try {
        stub.learnRegisters();
      } catch (IOException e) {
        stub.close(); // or the watchdog could not connect
        throw e;
      }
      if (running || stub.stoppedByConnecting()) {
        long resumedAt = session.resume();
        log.add("connect", Duration.ofNanos(resumedAt - start));
      } else {
        session.release();
      }
      stub.prepareRegisters();
      return session;
    } catch (IOException | RuntimeException e) {
      // Armed or not, the watchdog knows what is to be done at the end of its input.
      try {
        watchdog.handOver();
      } catch (IOException suppressed) {
        e.addSuppressed(suppressed);
      }
      throw e;
    }
  }

  /** Whether the session can be used: nothing has failed in it yet. */
  boolean usable() {
    return !broken && watchdog.alive();
  }

  /**
   * Arms the watchdog, as has to be done before a {@link #stop}.
   *
   * @param running whether the guest is known to run
   * @param then is called at the end; should it fail, the watchdog is disarmed
   */
  void arm(boolean running, Runnable then) throws IOException {
    try {
      undo.touch();
      watchdog.tell(new WatchdogProtocol.Arm(running));
      awake.hold();
    } catch (IOException e) {
      throw broken(e);
    }
    boolean done = false;
    try {
      then.run();
      done = true;
    } finally {
      if (!done) {
        disarm();
      }
    }
  }

  /**
   * Stops the guest.
   *
   * @param running what the watchdog was told
   * @param registers whether {@link #registers()} will be asked for
   * @return whether it was running
   */
  boolean stop(boolean running, boolean registers) throws IOException {
    try {
      boolean wasRunning = stub.stop(registers);
      beginEpoch.run();
      if (wasRunning != running) {
        watchdog.tell(new WatchdogProtocol.Arm(wasRunning));
      }
      return wasRunning;
    } catch (IOException e) {
      throw broken(e);
    }
  }

  /** The registers of the stopped guest's vCPUs. */
  List<VcpuRegisters> registers() throws IOException {
    try {
      return stub.registers();
    } catch (IOException e) {
      throw broken(e);
    }
  }

  /**
   * Takes down how memory is, before it is written: from now on the watchdog would put that back.
   *
   * @param before the bytes there now, in the order of the writes
   */
  void announce(List<UndoRecord.Former> before) throws IOException {
    try {
      undo.add(before);
    } catch (IOException e) {
      throw broken(e);
    }
  }

  /** Makes writes that were announced. */
  void write(List<GdbStub.Write> writes) throws IOException {
    try {
      if (!watchdog.alive()) {
        throw new IOException("the watchdog ended");
      }
      stub.write(writes);
    } catch (IOException e) {
      throw broken(e);
    }
  }

  /** Fails if the guest is not held any more: the watchdog has ended the pause. */
  void requireHeld() throws IOException {
    try {
      watchdog.tell(new WatchdogProtocol.Hold());
    } catch (IOException e) {
      throw broken(e);
    }
  }

  /** Declares all writes final. */
  void commit() throws IOException {
    undo.clear();
    requireHeld(); // if the watchdog has put them back before, they are not there
  }

  /**
   * Lets the guest run; the writes stay.
   *
   * @return {@code System.nanoTime()} when QEMU had taken the order
   */
  long resume() throws IOException {
    long resumedAt;
    try {
      undo.clear(); // should we end right here, the guest is let run by the watchdog
      stub.resume();
      resumedAt = System.nanoTime();
      beginEpoch.run();
    } catch (IOException e) {
      throw broken(e);
    }
    disarm();
    return resumedAt;
  }

  /** Ends the hold on a guest that somebody else had stopped: it stays stopped. */
  void release() throws IOException {
    try {
      undo.clear();
      stub.release();
      beginEpoch.run();
    } catch (IOException e) {
      throw broken(e);
    }
    disarm();
  }

  private void disarm() throws IOException {
    awake.release();
    try {
      watchdog.tell(new WatchdogProtocol.Disarm());
    } catch (IOException e) {
      throw broken(e);
    }
  }

  /** Ends the session for good: what is held is given to the watchdog to put right. */
  private IOException broken(IOException cause) {
    if (!broken) {
      broken = true;
      awake.release();
      boolean held = stub.held();
      try {
        if (watchdog.alive()) {
          stub.close();
          watchdog.handOver();
        } else if (held) {
          stub.detach(); // no watchdog any more: nobody else will let the guest run
          port.close();
        } else {
          stub.close();
          port.close();
        }
      } catch (IOException | RuntimeException e) {
        cause.addSuppressed(e);
      }
      beginEpoch.run();
    }
    return cause;
  }

  /** Closes the port; to be called while the guest is not held. */
  @Override
  public void close() throws IOException {
    if (broken) {
      return;
    }
    broken = true;
    stub.close();
    try {
      port.close();
    } catch (RuntimeException e) {
      watchdog.handOver(); // it tries again, and tells the operator if it fails too
      throw e;
    }
    if (watchdog.alive()) {
      watchdog.close();
    }
  }

  private static void closeQuietly(WatchdogProcess watchdog, Exception reason) {
    try {
      watchdog.close();
    } catch (IOException e) {
      reason.addSuppressed(e);
    }
  }
}
