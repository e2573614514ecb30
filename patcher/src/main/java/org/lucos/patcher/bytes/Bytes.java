package org.lucos.patcher.bytes;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;

/** An immutable sequence of bytes, equal to another by content. Numbers are little-endian. */
public final class Bytes {
  /** No bytes at all. */
  public static final Bytes EMPTY = new Bytes(new byte[0], 0, 0);

  private final byte[] data;
  private final int start;
  private final int size;

  private Bytes(byte[] data, int start, int size) {
    this.data = data;
    this.start = start;
    this.size = size;
  }

  /** A copy of {@code data}. */
  public static Bytes of(byte[] data) {
    return data.length == 0 ? EMPTY : new Bytes(data.clone(), 0, data.length);
  }

  /** {@code count} zeros. */
  public static Bytes zeros(int count) {
    return new Bytes(new byte[count], 0, count);
  }

  /** Bytes in all. */
  public int size() {
    return size;
  }

  /** Whether there are none. */
  public boolean isEmpty() {
    return size == 0;
  }

  /** The byte at {@code offset}, 0 to 255. */
  public int at(int offset) {
    return data[start + checked(offset, 1)] & 0xff;
  }

  /** The signed 32-bit number at {@code offset}. */
  public int i32(int offset) {
    checked(offset, 4);
    return at(offset) | at(offset + 1) << 8 | at(offset + 2) << 16 | at(offset + 3) << 24;
  }

  /** The part from {@code from} to before {@code to}; shares storage. */
  public Bytes slice(int from, int to) {
    if (from < 0 || to < from || to > size) {
      throw new IndexOutOfBoundsException(
          "slice outside of bytes: from=" + from + ", to=" + to + ", size=" + size);
    }
    return from == to ? EMPTY : new Bytes(data, start + from, to - from);
  }

  /** Where the first byte of this value from {@code from} on is, or -1. */
  public int indexOf(int value, int from) {
    for (int i = Math.max(from, 0); i < size; i++) {
      if (at(i) == value) {
        return i;
      }
    }
    return -1;
  }

  /** A copy. */
  public byte[] toArray() {
    return Arrays.copyOfRange(data, start, start + size);
  }

  /** A cursor at the beginning; errors call it {@code source}. */
  public ByteCursor cursor(String source) {
    return new ByteCursor(source, toArray());
  }

  /** The SHA-256 of the bytes, in lower-case hex. */
  public String sha256() {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      digest.update(data, start, size);
      return HexFormat.of().formatHex(digest.digest());
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }

  /** Lower-case hex, without separators. */
  public String toHex() {
    return HexFormat.of().formatHex(data, start, start + size);
  }

  private int checked(int offset, int length) {
    if (offset < 0 || offset > size - length) {
      throw new IndexOutOfBoundsException(
          "outside of bytes: offset=" + offset + ", length=" + length + ", size=" + size);
    }
    return offset;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Bytes bytes
        && Arrays.equals(
            data, start, start + size, bytes.data, bytes.start, bytes.start + bytes.size);
  }

  @Override
  public int hashCode() {
    int hash = 1;
    for (int i = start; i < start + size; i++) {
      hash = 31 * hash + data[i];
    }
    return hash;
  }

  @Override
  public String toString() {
    return size <= 32 ? toHex() : slice(0, 32).toHex() + "... (" + size + " bytes)";
  }
}
