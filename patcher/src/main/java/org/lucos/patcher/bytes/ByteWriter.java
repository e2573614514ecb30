package org.lucos.patcher.bytes;

import java.io.ByteArrayOutputStream;

/** Collects little-endian numbers and bytes. */
public final class ByteWriter {
  private final ByteArrayOutputStream out = new ByteArrayOutputStream();

  /** Bytes written so far. */
  public int size() {
    return out.size();
  }

  /** Adds the lowest byte. */
  public ByteWriter u8(int value) {
    out.write(value);
    return this;
  }

  /** Adds the lowest two bytes. */
  public ByteWriter u16(int value) {
    return u8(value).u8(value >>> 8);
  }

  /** Adds four bytes. */
  public ByteWriter u32(int value) {
    return u16(value).u16(value >>> 16);
  }

  /** Adds eight bytes. */
  public ByteWriter u64(long value) {
    return u32((int) value).u32((int) (value >>> 32));
  }

  /** Adds bytes as they are. */
  public ByteWriter bytes(byte[] bytes) {
    out.writeBytes(bytes);
    return this;
  }

  /** Adds bytes as they are. */
  public ByteWriter bytes(Bytes bytes) {
    return bytes(bytes.toArray());
  }

  /** Adds zeros. */
  public ByteWriter zeros(int count) {
    return bytes(new byte[count]);
  }

  /** Adds zeros up to the next multiple of {@code alignment}, a power of two. */
  public ByteWriter align(int alignment) {
    return zeros(-size() & (alignment - 1));
  }

  /** What was written. */
  public byte[] toArray() {
    return out.toByteArray();
  }

  /** What was written. */
  public Bytes toBytes() {
    return Bytes.of(out.toByteArray());
  }
}
