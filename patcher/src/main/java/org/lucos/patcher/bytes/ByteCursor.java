package org.lucos.patcher.bytes;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * A little-endian, bounds-checked reader over a byte array. The position does not move when a read
 * fails; every failure is a {@link MalformedDataException} that names the source and the offset.
 */
public final class ByteCursor {
  private final String source;
  private final byte[] data;
  private final int start;
  private final int end;
  private int position;

  /** Reads {@code data} from its beginning; errors call it {@code source}. */
  public ByteCursor(String source, byte[] data) {
    this(source, data, 0, data.length);
  }

  private ByteCursor(String source, byte[] data, int start, int end) {
    this.source = source;
    this.data = data;
    this.start = start;
    this.end = end;
    this.position = start;
  }

  /** A cursor over {@code length} bytes from {@code offset} on, both relative to this one. */
  public ByteCursor slice(String name, long offset, long length) {
    if (offset < 0 || length < 0 || offset > size() || length > size() - offset) {
      throw new MalformedDataException(
          source, offset, "range outside of data: length=" + length + ", size=" + size());
    }
    int from = start + (int) offset;
    return new ByteCursor(name, data, from, from + (int) length);
  }

  /** What errors call the data. */
  public String source() {
    return source;
  }

  /** Bytes in all. */
  public int size() {
    return end - start;
  }

  /** Bytes from the beginning. */
  public int position() {
    return position - start;
  }

  /** Bytes left. */
  public int remaining() {
    return end - position;
  }

  /** Moves to {@code offset} from the beginning; the end itself is a valid place. */
  public ByteCursor seek(long offset) {
    if (offset < 0 || offset > size()) {
      throw new MalformedDataException(source, offset, "seek outside of data: size=" + size());
    }
    position = start + (int) offset;
    return this;
  }

  /** Moves {@code count} bytes on. */
  public ByteCursor skip(long count) {
    need(count);
    position += (int) count;
    return this;
  }

  /** An unsigned byte. */
  public int u8() {
    need(1);
    return data[position++] & 0xff;
  }

  /** An unsigned 16-bit number. */
  public int u16() {
    need(2);
    int value = (data[position] & 0xff) | (data[position + 1] & 0xff) << 8;
    position += 2;
    return value;
  }

  /** A signed 32-bit number. */
  public int i32() {
    need(4);
    int value =
        (data[position] & 0xff)
            | (data[position + 1] & 0xff) << 8
            | (data[position + 2] & 0xff) << 16
            | data[position + 3] << 24;
    position += 4;
    return value;
  }

  /** A 32-bit number, zero-extended. */
  public long u32() {
    return Integer.toUnsignedLong(i32());
  }

  /** A 64-bit number. */
  public long u64() {
    need(8);
    long low = u32();
    return low | u32() << 32;
  }

  /** The next {@code length} bytes, copied. */
  public byte[] bytes(long length) {
    need(length);
    byte[] result = Arrays.copyOfRange(data, position, position + (int) length);
    position += (int) length;
    return result;
  }

  /** The text up to the next NUL, which is consumed; every byte becomes one character. */
  public String cString() {
    for (int i = position; i < end; i++) {
      if (data[i] == 0) {
        String text = new String(data, position, i - position, StandardCharsets.ISO_8859_1);
        position = i + 1;
        return text;
      }
    }
    throw new MalformedDataException(source, position(), "string without end");
  }

  /** A failure at the current position. */
  public MalformedDataException malformed(String problem) {
    return new MalformedDataException(source, position(), problem);
  }

  private void need(long count) {
    if (count < 0 || count > remaining()) {
      throw new MalformedDataException(
          source, position(), "data ends early: wanted=" + count + ", left=" + remaining());
    }
  }
}
