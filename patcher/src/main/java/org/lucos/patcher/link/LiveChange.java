package org.lucos.patcher.link;

import org.lucos.bridge.addr.GuestVirtualAddress;

/**
 * A change that someone has made to running text and that is known about.
 *
 * @param at the first byte
 * @param length bytes
 * @param kind what it is
 * @param by who made it, such as a module's name
 */
public record LiveChange(GuestVirtualAddress at, int length, Kind kind, String by) {

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
}
