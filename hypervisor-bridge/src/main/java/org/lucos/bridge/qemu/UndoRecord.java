package org.lucos.bridge.qemu;

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
 * write its physical address, its length, and the bytes, filled up to a word.
 */
final class UndoRecord {
  /** Far more than is ever written in one pause. */
  static final int CAPACITY = 1 << 18;

  private static final VarHandle WORDS =
      MethodHandles.byteBufferViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
  private static final int HEADER = Long.BYTES;
  private static final int ENTRY = 2 * Long.BYTES;
  private static final int PAGE = 4096;

  private final MappedByteBuffer file;
  private int used;

  private UndoRecord(MappedByteBuffer file) {
    this.file = file;
  }

  /** Where the record of a debug port is: beside its socket, so that it ends with the domain. */
  static Path beside(Path socket) {
    return socket.resolveSibling(socket.getFileName() + ".undo");
  }

  /**
   * Makes an empty one, in the place of one there: who has that mapped still does not reach this
   * one. Nobody else may own the port: the watchdog of a controller that died may not have read the
   * old one yet.
   */
  static UndoRecord create(Path file) throws IOException {
    Files.deleteIfExists(file);
    try (FileChannel channel =
        FileChannel.open(
            file,
            StandardOpenOption.CREATE_NEW,
            StandardOpenOption.READ,
            StandardOpenOption.WRITE)) {
      ByteBuffer zeros = ByteBuffer.allocate(CAPACITY); // room is had now or never
      while (zeros.hasRemaining()) {
        channel.write(zeros);
      }
      MappedByteBuffer mapped = channel.map(FileChannel.MapMode.READ_WRITE, 0, CAPACITY);
      mapped.order(ByteOrder.LITTLE_ENDIAN);
      return new UndoRecord(mapped);
    }
  }

  /**
   * Adds what puts memory back as it is now.
   *
   * @throws IOException if there is no room; nothing is added
   */
  void add(List<GdbStub.Write> writes) throws IOException {
    int at = HEADER + used;
    for (GdbStub.Write write : writes) {
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
  void touch() {
    for (int at = 0; at < CAPACITY; at += PAGE) {
      file.put(at, file.get(at));
    }
  }

  /** What was written so far is to stay. */
  void clear() {
    count(0);
  }

  /** Everything stored before is in the file when this is. */
  private void count(int bytes) {
    used = bytes;
    WORDS.setRelease(file, 0, (long) bytes);
  }

  /**
   * Reads what counts, in the order of the writes.
   *
   * @throws IOException if there is no record, or no sense in it
   */
  static List<GdbStub.Write> read(Path file) throws IOException {
    ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
    if (bytes.capacity() < HEADER) {
      throw damaged(file, 0);
    }
    long end = HEADER + bytes.getLong(0);
    if (end < HEADER || end > bytes.capacity()) {
      throw damaged(file, 0);
    }
    List<GdbStub.Write> writes = new ArrayList<>();
    int at = HEADER;
    while (at < end) {
      long left = end - at - ENTRY;
      long length = left < 0 ? -1 : bytes.getLong(at + Long.BYTES);
      if (length < 1 || length > left || padded((int) length) > left) {
        throw damaged(file, at);
      }
      byte[] before = new byte[(int) length];
      bytes.get(at + ENTRY, before);
      writes.add(new GdbStub.Write(bytes.getLong(at), before));
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
