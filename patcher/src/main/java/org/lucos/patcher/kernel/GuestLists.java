package org.lucos.patcher.kernel;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Supplier;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.bridge.memory.GuestMemory;
import org.lucos.bridge.memory.MemoryFaultException;
import org.lucos.patcher.bytes.MalformedDataException;

/**
 * Walking the kernel's linked lists, which may change under the reader or be corrupt: every pointer
 * is checked, every walk is bounded.
 */
final class GuestLists {
  /** A structure of the kernel is no larger than this, and none is this close to the top. */
  private static final long LARGEST_STRUCT = 1L << 20;

  private static final int ATTEMPTS = 5;

  private GuestLists() {}

  /**
   * The nodes of a {@code struct list_head} ring, without its head.
   *
   * @param source what errors call the list
   * @param most how many nodes it can have
   * @throws MalformedDataException if it does not come back to its head
   */
  static List<GuestVirtualAddress> ring(
      GuestMemory memory, String source, GuestVirtualAddress head, int most) {
    List<GuestVirtualAddress> nodes = new ArrayList<>();
    Set<GuestVirtualAddress> seen = new HashSet<>();
    GuestVirtualAddress at = head;
    while (true) {
      GuestVirtualAddress next = memory.pointer(at);
      if (next.equals(head)) {
        return nodes;
      }
      requireObject(source, at, next);
      if (nodes.size() == most || !seen.add(next)) {
        throw new MalformedDataException(source, next.value(), "list does not end");
      }
      nodes.add(next);
      at = next;
    }
  }

  /** The nodes of a list that begins at {@code head} and ends with a null pointer. */
  static List<GuestVirtualAddress> chain(
      GuestMemory memory, String source, GuestVirtualAddress head, int most) {
    List<GuestVirtualAddress> nodes = new ArrayList<>();
    Set<GuestVirtualAddress> seen = new HashSet<>();
    GuestVirtualAddress at = head;
    while (true) {
      GuestVirtualAddress next = memory.pointer(at);
      if (next.isNull()) {
        return nodes;
      }
      requireObject(source, at, next);
      if (nodes.size() == most || !seen.add(next)) {
        throw new MalformedDataException(source, next.value(), "list does not end");
      }
      nodes.add(next);
      at = next;
    }
  }

  /**
   * Refuses pointers that cannot be to a kernel object, so that offsets from it cannot wrap.
   *
   * @param at where the pointer was found
   */
  static void requireObject(String source, GuestVirtualAddress at, GuestVirtualAddress pointer) {
    long value = pointer.value();
    if (value >= Long.MIN_VALUE + LARGEST_STRUCT && value < -LARGEST_STRUCT && (value & 7) == 0) {
      return;
    }
    throw new MalformedDataException(source, at.value(), "no kernel pointer: " + pointer);
  }

  /** Refuses pointers that cannot be to kernel code. */
  static void requireText(String source, GuestVirtualAddress at, GuestVirtualAddress pointer) {
    if (pointer.value() >= Long.MIN_VALUE + LARGEST_STRUCT && pointer.value() < -LARGEST_STRUCT) {
      return;
    }
    throw new MalformedDataException(source, at.value(), "no kernel code: " + pointer);
  }

  /**
   * Reads something that a running guest may change meanwhile: what looks corrupt is read again, a
   * few times, before it is believed to be.
   */
  static <T> T stable(Supplier<T> read) {
    for (int attempt = 1; ; attempt++) {
      try {
        return read.get();
      } catch (MalformedDataException | MemoryFaultException e) {
        if (attempt == ATTEMPTS) {
          throw e;
        }
      }
    }
  }
}
