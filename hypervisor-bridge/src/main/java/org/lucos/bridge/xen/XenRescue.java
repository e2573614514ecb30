package org.lucos.bridge.xen;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.List;
import org.lucos.bridge.addr.AddressOutOfRangeException;
import org.lucos.bridge.addr.GuestPhysicalAddress;
import org.lucos.bridge.jna.NativeCallException;
import org.lucos.bridge.memory.MemoryFaultException;
import org.lucos.bridge.watchdog.PauseWatchdog;
import org.lucos.bridge.watchdog.UndoRecord;

/** Puts a Xen guest right that its controller has left. */
final class XenRescue implements PauseWatchdog.Rescue {
  /** What Xen answers who takes back a stop that there is none of. */
  private static final int EINVAL = 22;

  private final XenDomain domain;
  private final XenMemory memory;
  private final Path record;
  private final PrintStream messages;

  /**
   * @param guard stands for the guest, as for the controller
   * @param messages where to tell an operator what could not be done
   */
  XenRescue(XenDomain domain, XenMemory memory, Path guard, PrintStream messages) {
    this.domain = domain;
    this.memory = memory;
    this.record = UndoRecord.beside(guard);
    this.messages = messages;
  }

  /** The guest is stopped once more meanwhile: somebody may have let it run behind our back. */
  @Override
  public PauseWatchdog.Outcome restore(boolean resume, boolean afresh) throws IOException {
    int id = domain.identity().id();
    requireThere();
    try {
      domain.control().pause(id);
      int undone;
      boolean held;
      try {
        memory.beginEpoch(true);
        undone = undo();
        held = wasHeld(resume);
      } finally {
        memory.beginEpoch(false);
        domain.control().unpause(id);
      }
      if (held) {
        takeBackStop(id);
      }
      return new PauseWatchdog.Outcome(
          undone, !domain.current().map(DomainInfo::paused).orElse(false));
    } catch (NativeCallException e) {
      requireThere();
      throw new IOException(e.getMessage(), e);
    }
  }

  private void requireThere() {
    if (domain.current().isEmpty()) {
      throw new PauseWatchdog.GuestGoneException(
          new IllegalStateException("domain '" + domain.identity().name() + "' has ended"));
    }
  }

  /** A guest must not stand still because of a record that is lost. */
  private int undo() {
    int undone = 0;
    try {
      List<UndoRecord.Former> all = UndoRecord.read(record);
      for (int i = all.size() - 1; i >= 0; i--) {
        UndoRecord.Former former = all.get(i);
        memory.write(new GuestPhysicalAddress(former.physical()), former.bytes());
        undone++;
      }
    } catch (IOException | MemoryFaultException | AddressOutOfRangeException e) {
      messages.println("lucos watchdog: what was written cannot be put back: " + e);
    }
    return undone;
  }

  private boolean wasHeld(boolean otherwise) {
    try {
      return UndoRecord.wasHeld(record);
    } catch (IOException e) {
      return otherwise; // one that ran before is to run
    }
  }

  private void takeBackStop(int id) {
    try {
      domain.control().unpause(id);
    } catch (NativeCallException e) {
      if (e.errno() != EINVAL) { // the controller died before it stopped the guest, or after
        throw e;
      }
    }
  }

  @Override
  public void close() {
    // what was opened are mappings of this process's own, which end with it
  }
}
