package org.lucos.patcher.kernel;

import java.util.function.LongSupplier;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.bridge.memory.GatheredRead;
import org.lucos.bridge.memory.GuestMemory;

/**
 * A member of a structure of the running kernel.
 *
 * @param path type and member, for messages
 * @param offset bytes from the beginning of the structure; of a bit-field, to its first byte
 * @param size bytes it takes; 0 for an array of unknown length
 * @param elements the length of an array; 1 for anything else
 * @param bitShift of a bit-field, where it begins in its first byte; else 0
 * @param bitWidth of a bit-field, how many bits it has; else 0
 */
public record Field(
    String path, long offset, long size, long elements, int bitShift, int bitWidth) {

  /** Whether it is a bit-field. */
  public boolean isBitField() {
    return bitWidth != 0;
  }

  /**
   * Its value, zero-extended, in the structure at {@code structure}.
   *
   * @throws IllegalArgumentException if it is no number of up to 8 bytes
   */
  public long read(GuestMemory memory, GuestVirtualAddress structure) {
    return read(memory.bytes(structure.plus(offset), checkedSize()), (int) -offset);
  }

  /**
   * Its value, zero-extended, in a structure that begins at {@code start} in {@code data}.
   *
   * @throws IllegalArgumentException if it is no number of up to 8 bytes
   */
  public long read(byte[] data, int start) {
    int at = start + (int) offset;
    long value = 0;
    for (int i = checkedSize() - 1; i >= 0; i--) {
      value = value << 8 | (data[at + i] & 0xff);
    }
    return isBitField() ? (value >>> bitShift) & (-1L >>> (64 - bitWidth)) : value;
  }

  /**
   * Its value, zero-extended, in the structure at {@code structure}, once {@code gathered} is read.
   *
   * @throws IllegalArgumentException if it is no number of up to 8 bytes, or a bit-field
   */
  public LongSupplier in(GuestVirtualAddress structure, GatheredRead gathered) {
    if (isBitField()) {
      throw new IllegalArgumentException(path + " is a bit-field");
    }
    return gathered.number(structure.plus(offset), checkedSize());
  }

  /** Its value as a pointer, in the structure at {@code structure}. */
  public GuestVirtualAddress readPointer(GuestMemory memory, GuestVirtualAddress structure) {
    return new GuestVirtualAddress(read(memory, structure));
  }

  private int checkedSize() {
    if (size < 1 || size > 8) {
      throw new IllegalArgumentException(path + " is no number: size=" + size);
    }
    return (int) size;
  }
}
