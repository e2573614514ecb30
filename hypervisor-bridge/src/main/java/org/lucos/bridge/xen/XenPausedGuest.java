package org.lucos.bridge.xen;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.lucos.bridge.addr.GuestPhysicalAddress;
import org.lucos.bridge.domain.DomainRefusal;
import org.lucos.bridge.domain.DomainRefusedException;
import org.lucos.bridge.domain.PauseLog;
import org.lucos.bridge.domain.PausedGuest;
import org.lucos.bridge.domain.UnexpectedBytesException;
import org.lucos.bridge.memory.PhysicalMemory;
import org.lucos.bridge.vcpu.VcpuRegisters;
import org.lucos.bridge.watchdog.UndoRecord;

/** A lease on a Xen guest, held through the hypervisor's count of stops. */
final class XenPausedGuest implements PausedGuest {
  private final String purpose;
  private final XenDomain domain;
  private final XenSession session;
  private final XenMemory memory;
  private final PauseLog log;
  private final long stoppedAt;
  private final boolean pausedBefore;
  private Optional<List<VcpuRegisters>> registers = Optional.empty();
  private List<Edit> announced = List.of();
  private boolean open = true;

  /**
   * @param stoppedAt {@code System.nanoTime()} when the stop was ordered
   */
  XenPausedGuest(
      String purpose,
      XenDomain domain,
      XenSession session,
      XenMemory memory,
      PauseLog log,
      long stoppedAt,
      boolean pausedBefore) {
    this.purpose = purpose;
    this.domain = domain;
    this.session = session;
    this.memory = memory;
    this.log = log;
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
    requireHeld();
    if (registers.isEmpty()) {
      registers = Optional.of(domain.registers());
    }
    return registers.get();
  }

  @Override
  public void announce(List<Edit> edits) {
    requireHeld();
    requireBefore(edits);
    edits.forEach(edit -> memory.prepareWrite(edit.at(), edit.before().length));
    try {
      session.announce(
          edits.stream()
              .map(edit -> new UndoRecord.Former(edit.at().value(), edit.before()))
              .toList());
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
    requireHeld();
    edits.forEach(edit -> memory.write(edit.at(), edit.after()));
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
      requireHeld(); // else the guest has run on, and it is no wonder
      throw new UnexpectedBytesException(at, expected, found);
    }
  }

  @Override
  public void commit() {
    requireHeld();
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
    requireHeld();
    try {
      end(session.resume());
    } catch (IOException e) {
      throw failed(e);
    }
  }

  /** Anybody who may manage domains may take our stop back: Xen does not know whose is whose. */
  private void requireHeld() {
    requireOpen();
    try {
      session.requireWatched();
      if (!domain.current().map(DomainInfo::paused).orElse(false)) {
        throw session.broken(new IOException("it was resumed by somebody else"));
      }
    } catch (IOException e) {
      throw failed(e);
    }
  }

  /** The session is over, and with it the lease. */
  private DomainRefusedException failed(IOException cause) {
    end(System.nanoTime());
    return domain.refusal("holding domain '" + domain.identity().name() + "'", cause);
  }

  private void end(long at) {
    open = false;
    memory.beginEpoch(false);
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
