package org.lucos.bridge.memory;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.function.Supplier;
import org.lucos.bridge.addr.GuestVirtualAddress;

/** A guest's memory as its kernel addresses it. Little-endian, as x86-64 is. */
public interface GuestMemory {

  /**
   * Fills {@code length} bytes of {@code into} from {@code offset} on.
   *
   * @throws MemoryFaultException if any byte is not mapped to RAM
   */
  void read(GuestVirtualAddress at, byte[] into, int offset, int length);

  /**
   * Fills every slice, batched as far as the backend can.
   *
   * @throws MemoryFaultException if any byte is not mapped to RAM
   */
  default void readAll(List<Slice> slices) {
    for (Slice slice : slices) {
      read(slice.at(), slice.into(), slice.offset(), slice.length());
    }
  }

  /** {@code length} bytes at {@code at}. */
  default byte[] bytes(GuestVirtualAddress at, int length) {
    byte[] result = new byte[length];
    read(at, result, 0, length);
    return result;
  }

  /** The unsigned byte at {@code at}. */
  default int u8(GuestVirtualAddress at) {
    return bytes(at, 1)[0] & 0xff;
  }

  /** The 32-bit number at {@code at}, as a signed {@code int}. */
  default int i32(GuestVirtualAddress at) {
    byte[] b = bytes(at, 4);
    return (b[0] & 0xff) | (b[1] & 0xff) << 8 | (b[2] & 0xff) << 16 | b[3] << 24;
  }

  /** The 32-bit number at {@code at}, zero-extended. */
  default long u32(GuestVirtualAddress at) {
    return Integer.toUnsignedLong(i32(at));
  }

  /** The 64-bit number at {@code at}. */
  default long u64(GuestVirtualAddress at) {
    byte[] b = bytes(at, 8);
    long value = 0;
    for (int i = 7; i >= 0; i--) {
      value = value << 8 | (b[i] & 0xff);
    }
    return value;
  }

  /** The pointer at {@code at}. */
  default GuestVirtualAddress pointer(GuestVirtualAddress at) {
    return new GuestVirtualAddress(u64(at));
  }

  /**
   * The bytes up to the first NUL, at most {@code limit} of them, as ISO-8859-1: guest strings are
   * bytes, and every byte must survive. Never reads past the page of the NUL.
   */
  default String cString(GuestVirtualAddress at, int limit) {
    StringBuilder text = new StringBuilder();
    GuestVirtualAddress next = at;
    while (text.length() < limit) {
      int toPageEnd = 4096 - (int) (next.value() & 4095);
      int length = Math.min(toPageEnd, limit - text.length());
      byte[] chunk = bytes(next, length);
      for (int i = 0; i < length; i++) {
        if (chunk[i] == 0) {
          return text.append(new String(chunk, 0, i, StandardCharsets.ISO_8859_1)).toString();
        }
      }
      text.append(new String(chunk, StandardCharsets.ISO_8859_1));
      next = new GuestVirtualAddress(next.value() + length);
    }
    return text.toString();
  }

  /**
   * Does some work and takes down what it reads of this memory, on this thread.
   *
   * @param work depends on nothing else that changes
   */
  default <T> Recollection<T> recollect(Supplier<T> work) {
    return Recollection.unproven(work.get());
  }

  /** One piece of a vectored read: {@code length} bytes at {@code at} go to {@code into}. */
  @SuppressWarnings("ArrayRecordComponent")
  record Slice(GuestVirtualAddress at, byte[] into, int offset, int length) {}
}
