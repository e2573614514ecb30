package org.lucos.patcher.guestcall;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.bridge.domain.PausedGuest;
import org.lucos.bridge.mmu.VirtualMemory;

/**
 * Collects writes by kernel address while a pause lease is held, and makes them together: that
 * costs about as much as one. Every write states what it replaces; the bridge compares all of them
 * before the first, and its watchdog puts back what was not committed.
 */
public final class GuestWriter {
  private static final int PAGE = 4096;

  private final VirtualMemory memory;
  private final Optional<PausedGuest> lease;
  private final List<PausedGuest.Edit> pending = new ArrayList<>();

  /** Writes into the guest behind {@code memory} for as long as {@code lease} lasts. */
  public GuestWriter(VirtualMemory memory, PausedGuest lease) {
    this(memory, Optional.of(lease));
  }

  private GuestWriter(VirtualMemory memory, Optional<PausedGuest> lease) {
    this.memory = memory;
    this.lease = lease;
  }

  /**
   * One that writes nothing: code that has been gone through once before a pause takes a fraction
   * of the time within it.
   */
  public static GuestWriter rehearsal(VirtualMemory memory) {
    return new GuestWriter(memory, Optional.empty());
  }

  /** Replaces {@code before} by {@code after}, of the same length, at the next flush. */
  public GuestWriter replace(GuestVirtualAddress at, byte[] before, byte[] after) {
    int done = 0;
    while (done < after.length) {
      GuestVirtualAddress next = at.plus(done);
      int end = Math.min(after.length, done + PAGE - (int) (next.value() & (PAGE - 1)));
      pending.add(
          new PausedGuest.Edit(
              memory.physical(next),
              Arrays.copyOfRange(before, done, end),
              Arrays.copyOfRange(after, done, end)));
      done = end;
    }
    return this;
  }

  /** Writes over whatever is there now, which an undo restores, at the next flush. */
  public GuestWriter put(GuestVirtualAddress at, byte[] after) {
    return replace(at, memory.bytes(at, after.length), after);
  }

  /** Replaces one 64-bit word at the next flush. */
  public GuestWriter replaceWord(GuestVirtualAddress at, long before, long after) {
    return replace(at, Words.bytes(before), Words.bytes(after));
  }

  /** The writes collected so far. */
  public List<PausedGuest.Edit> pending() {
    return List.copyOf(pending);
  }

  /**
   * Makes the writes collected so far.
   *
   * @throws org.lucos.bridge.domain.UnexpectedBytesException if anything to be replaced is not
   *     there; then nothing is written
   */
  public void flush() {
    List<PausedGuest.Edit> edits = List.copyOf(pending);
    pending.clear();
    if (!edits.isEmpty()) {
      lease.ifPresent(held -> held.writeAll(edits));
    }
  }
}
