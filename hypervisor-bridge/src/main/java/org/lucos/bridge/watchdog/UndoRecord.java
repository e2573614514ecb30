package org.lucos.bridge.watchdog;

import java.io.IOException;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;

/**
 * How memory was that a controller writes in a pause: a file that it has mapped and its watchdog
 * reads if it must. To add to it and to empty it are stores to memory, which cost a pause nothing
 * and need nobody else to run; whatever was stored is in the file when the controller dies, at
 * whatever moment.
 *
 * <p>Layout, in little-endian 64-bit words: how many bytes of what follows count; then for each
 * write its physical address, its length, and the bytes, filled up to a word. The last word of the
 * file is not 0 while the guest is held.
 */
public final class UndoRecord {
  /** Far more than is ever written in one pause. */
  static final int CAPACITY = 1 << 18;

  private static final int HELD_AT = CAPACITY;
  private static final int SIZE = HELD_AT + Long.BYTES;

  private static final VarHandle WORDS =
      MethodHandles.byteBufferViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
  private static final int HEADER = Long.BYTES;
  private static final int ENTRY = 2 * Long.BYTES;
  private static final int PAGE = 4096;

  private final Path path;
  private final MappedByteBuffer file;
  private int used;

  private UndoRecord(Path path, MappedByteBuffer file) {
    this.path = path;
    this.file = file;
  }

  /**
   * What memory held.
   *
   * @param physical the guest-physical address
   * @param bytes what was there
   */
  @SuppressWarnings("ArrayRecordComponent")
  public record Former(long physical, byte[] bytes) {}

  /**
   * Where the record of a guest is.
   *
   * @param path stands for the guest, as for {@link Ownership}: the record is beside it
   */
  public static Path beside(Path path) {
    return path.resolveSibling(path.getFileName() + ".undo");
  }

  /**
   * Makes an empty one, in the place of one there: who has that mapped still does not reach this
   * one. Nobody else may own the guest: the watchdog of a controller that died may not have read
   * the old one yet.
   */
  public static UndoRecord create(Path file) throws IOException {
    Files.deleteIfExists(file);
    try (FileChannel channel =
        FileChannel.open(
            file,
            StandardOpenOption.CREATE_NEW,
            StandardOpenOption.READ,
            StandardOpenOption.WRITE)) {
      ByteBuffer zeros = ByteBuffer.allocate(SIZE); // room is had now or never
      while (zeros.hasRemaining()) {
        channel.write(zeros);
      }
      MappedByteBuffer mapped = channel.map(FileChannel.MapMode.READ_WRITE, 0, SIZE);
      mapped.order(ByteOrder.LITTLE_ENDIAN);
      return new UndoRecord(file, mapped);
    }
  }

  /**
   * Adds what puts memory back as it is now.
   *
   * @throws IOException if there is no room; nothing is added
   */
  public void add(List<Former> writes) throws IOException {
    int at = HEADER + used;
    for (Former write : writes) {
      int length = write.bytes().length;
      if (CAPACITY - at < ENTRY + padded(length)) {
        throw new IOException(
            "more is to be written in one pause than can be put back: bytes="
                + length
                + ", room="
                + Math.max(0, CAPACITY - at - ENTRY));
      }
      file.putLong(at, write.physical());
      file.putLong(at + Long.BYTES, length);
      file.put(at + ENTRY, write.bytes());
      at += ENTRY + padded(length);
    }
    count(at - HEADER);
  }

  /**
   * To be called before a pause: a page that the host has written to its disk since is made ready
   * for stores again, which can take long.
   */
  public void touch() {
    for (int at = 0; at < CAPACITY; at += PAGE) {
      file.put(at, file.get(at));
    }
    file.put(HELD_AT, file.get(HELD_AT));
  }

  /**
   * Notes whether this process holds the guest, where the hypervisor counts holds and cannot be
   * asked whose they are.
   */
  public void held(boolean held) {
    WORDS.setRelease(file, HELD_AT, held ? 1L : 0L);
  }

  /**
   * What was noted with {@link #held(boolean)} last.
   *
   * @throws IOException if there is no record, or it has been cut
   */
  public static boolean wasHeld(Path file) throws IOException {
    ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
    if (bytes.capacity() != SIZE) {
      throw damaged(file, HELD_AT);
    }
    return bytes.getLong(HELD_AT) != 0;
  }

  /** What was written so far is to stay. */
  public void clear() {
    count(0);
  }

  /** Everything stored before is in the file when this is. */
  private void count(int bytes) {
    used = bytes;
    WORDS.setRelease(file, 0, (long) bytes);
  }

  /** Whether the hold was noted, and not taken back. */
  public boolean isHeld() {
    return file.getLong(HELD_AT) != 0;
  }

  /** Removes the file; to be called when no watchdog needs it any more. */
  public void delete() throws IOException {
    Files.deleteIfExists(path);
  }

  /**
   * Reads what counts, in the order of the writes.
   *
   * @throws IOException if there is no record, or no sense in it
   */
  public static List<Former> read(Path file) throws IOException {
    ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
    if (bytes.capacity() < HEADER) {
      throw damaged(file, 0);
    }
    long end = HEADER + bytes.getLong(0);
    if (end < HEADER || end > bytes.capacity()) {
      throw damaged(file, 0);
    }
    List<Former> writes = new ArrayList<>();
    int at = HEADER;
    while (at < end) {
      long left = end - at - ENTRY;
      long length = left < 0 ? -1 : bytes.getLong(at + Long.BYTES);
      if (length < 1 || length > left || padded((int) length) > left) {
        throw damaged(file, at);
      }
      byte[] before = new byte[(int) length];
      bytes.get(at + ENTRY, before);
      writes.add(new Former(bytes.getLong(at), before));
      at += ENTRY + padded((int) length);
    }
    return writes;
  }

  private static IOException damaged(Path file, int at) {
    return new IOException("record of writes damaged: source=" + file + ", offset=" + at);
  }

  private static int padded(int length) {
    return (length + Long.BYTES - 1) & -Long.BYTES;
  }
}
