package org.lucos.bridge.domain;

import java.time.Duration;
import java.util.List;
import org.lucos.bridge.addr.GuestPhysicalAddress;
import org.lucos.bridge.vcpu.VcpuRegisters;

/**
 * A lease on a stopped guest. Closing it resumes the guest, unless it was already paused when the
 * lease was taken. If this process dies while holding it, a watchdog process rolls back the writes
 * announced through {@link #write} and resumes the guest.
 */
public interface PausedGuest extends AutoCloseable {

  /** The registers of every online vCPU, by index. */
  List<VcpuRegisters> registers();

  /**
   * Writes through the hypervisor, which marks the page dirty for live migration and drops stale
   * translated code.
   *
   * @param at where; {@code before} and {@code after} must not cross out of RAM
   * @param before the bytes there now: compared first, and what the watchdog puts back
   * @param after the bytes to write, as many as {@code before}
   * @throws UnexpectedBytesException if {@code before} is not there; nothing is written
   * @throws org.lucos.bridge.memory.MemoryFaultException if the address is not RAM
   */
  default void write(GuestPhysicalAddress at, byte[] before, byte[] after) {
    writeAll(List.of(new Edit(at, before, after)));
  }

  /**
   * As {@link #write}, all together: first every {@code before} is compared, then all are written,
   * in the order given, with about the cost of one write.
   *
   * @throws UnexpectedBytesException if any {@code before} is not there; nothing is written
   * @throws org.lucos.bridge.memory.MemoryFaultException if any address is not RAM
   */
  void writeAll(List<Edit> edits);

  /**
   * Does what can be done of a coming {@link #writeAll} with the same edits while other things are
   * done: compares, and lets the watchdog know. The edits may also never be made.
   *
   * @throws UnexpectedBytesException if any {@code before} is not there
   * @throws org.lucos.bridge.memory.MemoryFaultException if any address is not RAM
   */
  void announce(List<Edit> edits);

  /** One replacement of bytes in physical memory; see {@link #write}. */
  @SuppressWarnings("ArrayRecordComponent")
  record Edit(GuestPhysicalAddress at, byte[] before, byte[] after) {
    /** Refuses lengths that differ. */
    public Edit {
      if (before.length != after.length) {
        throw new IllegalArgumentException(
            "edit changes the length: before=" + before.length + ", after=" + after.length);
      }
    }
  }

  /** Declares all writes so far final: the watchdog will resume the guest without undoing them. */
  void commit();

  /**
   * Whether somebody else had stopped the guest before this lease, so that closing leaves it so.
   */
  boolean pausedBefore();

  /** How long the guest has been stopped by this lease. */
  Duration heldFor();

  /** Resumes the guest unless it was paused before; the pause is entered in the log. */
  @Override
  void close();
}
