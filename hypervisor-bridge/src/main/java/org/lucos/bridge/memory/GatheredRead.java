package org.lucos.bridge.memory;

import java.util.ArrayList;
import java.util.List;
import java.util.function.LongSupplier;
import org.lucos.bridge.addr.GuestVirtualAddress;

/**
 * Numbers from many places, read with one call: each call to another process costs more than the
 * few bytes it brings.
 */
public final class GatheredRead {
  private final List<GuestMemory.Slice> slices = new ArrayList<>();

  /** The 64-bit number at {@code at}, once {@link #from} was called. */
  public LongSupplier u64(GuestVirtualAddress at) {
    return number(at, Long.BYTES);
  }

  /**
   * A little-endian number, zero-extended, once {@link #from} was called.
   *
   * @param size its bytes, 1 to 8
   */
  public LongSupplier number(GuestVirtualAddress at, int size) {
    if (size < 1 || size > Long.BYTES) {
      throw new IllegalArgumentException("no number: size=" + size);
    }
    byte[] bytes = new byte[size];
    slices.add(new GuestMemory.Slice(at, bytes, 0, size));
    return () -> {
      long value = 0;
      for (int i = size - 1; i >= 0; i--) {
        value = value << 8 | (bytes[i] & 0xff);
      }
      return value;
    };
  }

  /**
   * Reads all.
   *
   * @throws MemoryFaultException if any byte is not mapped to RAM
   */
  public void from(GuestMemory memory) {
    memory.readAll(slices);
  }
}
