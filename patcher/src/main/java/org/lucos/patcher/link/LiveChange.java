package org.lucos.patcher.link;

import java.util.Optional;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.patcher.bytes.Bytes;

/**
 * A change that someone has made to running text and that is known about.
 *
 * @param at the first byte
 * @param length bytes
 * @param kind what it is
 * @param by who made it, such as a module's name
 * @param own of a redirect: the function's own bytes there, if they are on record
 */
public record LiveChange(
    GuestVirtualAddress at, int length, Kind kind, String by, Optional<Bytes> own) {
  /** Refuses bytes of another length. */
  public LiveChange {
    if (own.isPresent() && own.get().size() != length) {
      throw new IllegalArgumentException("change of " + length + " bytes: own=" + own.get());
    }
  }

  /** A change of which nobody has recorded what was there. */
  public LiveChange(GuestVirtualAddress at, int length, Kind kind, String by) {
    this(at, length, kind, by, Optional.empty());
  }

  /** What a change is. */
  public enum Kind {
    /** A kprobe: a breakpoint, or a jump where the kernel has optimised it. */
    PROBE,
    /** The jump to a replacement function, put there by a live patch of ours. */
    REDIRECT
  }

  boolean covers(long address) {
    return Long.compareUnsigned(address - at.value(), length) < 0;
  }

  /**
   * Puts the function's own bytes back into what was read of it, where they are on record.
   *
   * @param code what was read from {@code start} on
   */
  public void restore(GuestVirtualAddress start, byte[] code) {
    long offset = at.minus(start);
    if (own.isPresent() && offset >= 0 && offset <= code.length - length) {
      System.arraycopy(own.get().toArray(), 0, code, (int) offset, length);
    }
  }
}
