package org.lucos.bridge.qemu;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import org.lucos.bridge.addr.GuestPhysicalAddress;
import org.lucos.bridge.domain.DomainRefusal;
import org.lucos.bridge.domain.DomainRefusedException;
import org.lucos.bridge.domain.PauseLog;
import org.lucos.bridge.domain.PausedGuest;
import org.lucos.bridge.domain.UnexpectedBytesException;
import org.lucos.bridge.memory.PhysicalMemory;
import org.lucos.bridge.vcpu.VcpuRegisters;
import org.lucos.bridge.watchdog.UndoRecord;

/** A lease on a QEMU guest, held through its gdbstub. */
final class QemuPausedGuest implements PausedGuest {
  /** No migration both starts and ends within this time. */
  private static final Duration LONG_PAUSE = Duration.ofMillis(200);

  private final String purpose;
  private final DebugSession session;
  private final PhysicalMemory memory;
  private final PauseLog log;
  private final Function<IOException, DomainRefusedException> refusal;
  private final BooleanSupplier resumable;
  private final Runnable afterwards;
  private final long stoppedAt;
  private final boolean pausedBefore;
  private Optional<List<VcpuRegisters>> registers = Optional.empty();
  private List<Edit> announced = List.of();
  private boolean open = true;

  /**
   * @param stoppedAt {@code System.nanoTime()} when the stop was ordered
   * @param resumable whether the guest may be let run; asked after long pauses
   * @param afterwards done when the guest has been let run
   * @param refusal says what a failure of the session means for the domain
   */
  QemuPausedGuest(
      String purpose,
      DebugSession session,
      PhysicalMemory memory,
      PauseLog log,
      Function<IOException, DomainRefusedException> refusal,
      BooleanSupplier resumable,
      Runnable afterwards,
      long stoppedAt,
      boolean pausedBefore) {
    this.purpose = purpose;
    this.session = session;
    this.memory = memory;
    this.log = log;
    this.refusal = refusal;
    this.resumable = resumable;
    this.afterwards = afterwards;
    this.stoppedAt = stoppedAt;
    this.pausedBefore = pausedBefore;
  }

  boolean isOpen() {
    return open;
  }

  @Override
  public boolean pausedBefore() {
    return pausedBefore;
  }

  @Override
  public List<VcpuRegisters> registers() {
    requireOpen();
    if (registers.isEmpty()) {
      try {
        registers = Optional.of(session.registers());
      } catch (IOException e) {
        throw failed(e);
      }
    }
    return registers.get();
  }

  @Override
  public void announce(List<Edit> edits) {
    requireOpen();
    requireBefore(edits);
    List<UndoRecord.Former> undo =
        edits.stream()
            .map(edit -> new UndoRecord.Former(edit.at().value(), edit.before()))
            .toList();
    try {
      session.announce(undo);
    } catch (IOException e) {
      throw failed(e);
    }
    announced = edits;
  }

  @Override
  public void writeAll(List<Edit> edits) {
    requireOpen();
    if (edits.isEmpty()) {
      return;
    }
    if (edits.equals(announced)) {
      requireBefore(edits);
    } else {
      announce(edits);
    }
    announced = List.of(); // what undoes them undoes them once
    List<GdbStub.Write> writes =
        edits.stream().map(edit -> new GdbStub.Write(edit.at().value(), edit.after())).toList();
    try {
      session.write(writes);
    } catch (IOException e) {
      throw failed(e);
    }
    List<byte[]> written = readBack(edits);
    for (int i = 0; i < edits.size(); i++) {
      requireBytes(edits.get(i).at(), edits.get(i).after(), written.get(i));
    }
  }

  private void requireBefore(List<Edit> edits) {
    List<byte[]> found = readBack(edits);
    for (int i = 0; i < edits.size(); i++) {
      requireBytes(edits.get(i).at(), edits.get(i).before(), found.get(i));
    }
  }

  private List<byte[]> readBack(List<Edit> edits) {
    List<byte[]> bytes = new ArrayList<>();
    List<PhysicalMemory.Slice> slices = new ArrayList<>();
    for (Edit edit : edits) {
      byte[] into = new byte[edit.before().length];
      bytes.add(into);
      slices.add(new PhysicalMemory.Slice(edit.at(), into, 0, into.length));
    }
    memory.readAll(slices);
    return bytes;
  }

  private void requireBytes(GuestPhysicalAddress at, byte[] expected, byte[] found) {
    if (!Arrays.equals(expected, found)) {
      try {
        session.requireHeld(); // else the guest has run on, and it is no wonder
      } catch (IOException e) {
        throw failed(e);
      }
      throw new UnexpectedBytesException(at, expected, found);
    }
  }

  @Override
  public void commit() {
    requireOpen();
    try {
      session.commit();
    } catch (IOException e) {
      throw failed(e);
    }
  }

  @Override
  public Duration heldFor() {
    return Duration.ofNanos(System.nanoTime() - stoppedAt);
  }

  @Override
  public void close() {
    if (!open) {
      return;
    }
    try {
      if (pausedBefore || !mayResume()) {
        session.release();
        end(System.nanoTime());
      } else {
        end(session.resume());
      }
      afterwards.run();
    } catch (IOException e) {
      throw failed(e);
    }
  }

  /** In a long pause a migration may have taken the guest elsewhere: then it must not run here. */
  private boolean mayResume() {
    return heldFor().compareTo(LONG_PAUSE) < 0 || resumable.getAsBoolean();
  }

  /** The session is over, and with it the lease: the guest was let run by the watchdog. */
  private DomainRefusedException failed(IOException cause) {
    end(System.nanoTime());
    return refusal.apply(cause);
  }

  private void end(long at) {
    open = false;
    log.add(purpose, Duration.ofNanos(at - stoppedAt));
  }

  private void requireOpen() {
    if (!open) {
      throw new DomainRefusedException(
          new DomainRefusal.HypervisorFailure(
              "using the pause '" + purpose + "'", "it has ended already"));
    }
  }
}
