package org.lucos.patcher.kernel;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.bridge.memory.GuestMemory;
import org.lucos.bridge.memory.MemoryFaultException;
import org.lucos.patcher.btf.BtfWriter;
import org.lucos.patcher.btf.BtfWriter.Member;

/**
 * A kernel log in memory, written as kernel/printk/printk_ringbuffer.c does: oldest messages are
 * made reusable before anything of them is overwritten. Tests may write while it is read.
 */
final class SyntheticLog implements GuestMemory {
  static final long BASE = 0xffff_8880_0010_0000L;
  static final int DESCRIPTOR = 24;
  static final int INFO = 32;
  static final long ID_MASK = (1L << 62) - 1;

  private final int countBits;
  private final int sizeBits;
  private final ByteBuffer ram = ByteBuffer.allocate(1 << 20).order(ByteOrder.LITTLE_ENDIAN);
  private final List<LogRecord> written = new ArrayList<>();
  private final Deque<Long> blocks = new ArrayDeque<>();
  private long head;
  private long tail;
  private long headPosition;
  private long tailPosition;
  private Runnable beforeRead = () -> {};

  /** As kernels make it whose {@code DESC0_ID} is of 32 bits. */
  SyntheticLog(int countBits, int sizeBits) {
    this(countBits, sizeBits, (1L << 32) - 1);
  }

  /**
   * Begins with the id before -1 &lt;&lt; {@code countBits}.
   *
   * @param idMask the bits that this is counted in
   */
  SyntheticLog(int countBits, int sizeBits, long idMask) {
    this.countBits = countBits;
    this.sizeBits = sizeBits;
    head = -((1L << countBits) + 1) & idMask;
    tail = head;
    headPosition = -(1L << sizeBits);
    tailPosition = headPosition;
    put(0, ring());
    ram.putInt((int) ring() - (int) BASE, 0);
    put(descriptor(head), head | 3L << 62);
    put32(ring(), countBits);
    put(ring() + 8, descriptors());
    put(ring() + 16, infos());
    put32(ring() + 48, sizeBits);
    put(ring() + 56, text());
    publish();
  }

  private void put(int offset, long value) {
    ram.putLong(offset, value);
  }

  long ring() {
    return BASE + 64;
  }

  long descriptors() {
    return BASE + 4096;
  }

  long infos() {
    return descriptors() + (long) DESCRIPTOR * (1 << countBits);
  }

  long text() {
    return infos() + (long) INFO * (1 << countBits);
  }

  long end() {
    return text() + (1L << sizeBits);
  }

  private long index(long id) {
    return id & ((1L << countBits) - 1);
  }

  private long descriptor(long id) {
    return descriptors() + DESCRIPTOR * index(id);
  }

  private void publish() {
    put(ring() + 24, head);
    put(ring() + 32, tail);
  }

  /** All that was ever written, by number. */
  List<LogRecord> written() {
    return written;
  }

  /** What happens before each read. */
  void beforeRead(Runnable action) {
    beforeRead = action;
  }

  void log(int level, String message) {
    finish(begin(level, message));
  }

  /** Begins a message; it is not complete before it is finished. */
  long begin(int level, String message) {
    byte[] bytes = message.getBytes(StandardCharsets.UTF_8);
    long id = (head + 1) & ID_MASK;
    long seq = written.size();
    if (seq >= 1L << countBits) {
      long old = descriptor(tail);
      put(old, tail | 3L << 62);
      tail = (tail + 1) & ID_MASK;
    } else if (seq == 0) {
      tail = id;
    }
    head = id;
    publish();
    put(descriptor(id), id);
    long info = infos() + INFO * index(id);
    LogRecord record = new LogRecord(seq, 1_000_000 * seq, level, 0, 77, message);
    written.add(record);
    put(info, seq);
    put(info + 8, record.nanoseconds());
    put32(info + 16, (bytes.length & 0xffff) | (level << 29));
    put32(info + 20, 77);
    if (bytes.length == 0) {
      put(descriptor(id) + 8, 3);
      put(descriptor(id) + 16, 3);
      return id;
    }
    long size = (8L + bytes.length + 7) & -8;
    long begin = headPosition;
    long next = begin + size;
    if (begin >>> sizeBits != next >>> sizeBits) {
      next = (next >>> sizeBits << sizeBits) + size;
    }
    while (next - tailPosition > 1L << sizeBits) {
      long oldest = blocks.remove();
      put(descriptor(oldest), oldest | 3L << 62);
      tailPosition = get(descriptor(oldest) + 16);
    }
    headPosition = next;
    blocks.add(id);
    put(descriptor(id) + 8, begin);
    put(descriptor(id) + 16, next);
    boolean wraps = begin >>> sizeBits != next >>> sizeBits;
    long block = text() + (wraps ? 0 : begin & ((1L << sizeBits) - 1));
    put(block, id);
    ram.put((int) (block + 8 - BASE), bytes);
    return id;
  }

  void finish(long id) {
    put(descriptor(id), id | 2L << 62);
  }

  void put(long address, long value) {
    ram.putLong((int) (address - BASE), value);
  }

  void put32(long address, int value) {
    ram.putInt((int) (address - BASE), value);
  }

  void put8(long address, int value) {
    ram.put((int) (address - BASE), (byte) value);
  }

  long get(long address) {
    return ram.getLong((int) (address - BASE));
  }

  long descriptorOf(long seq) {
    return descriptor(seq - (1L << countBits));
  }

  long infoOf(long seq) {
    return infos() + INFO * index(seq - (1L << countBits));
  }

  @Override
  public void read(GuestVirtualAddress at, byte[] into, int offset, int length) {
    beforeRead.run();
    long from = at.value() - BASE;
    if (from < 0 || from + length > ram.capacity()) {
      throw new MemoryFaultException("virtual", at.value(), length, "not mapped");
    }
    ram.get((int) from, into, offset, length);
  }

  PrintkRing reader() {
    SymbolTable symbols =
        SymbolTable.of(
            List.of(
                new KernelSymbol("prb", new GuestVirtualAddress(BASE), 'D', Optional.empty()),
                new KernelSymbol("end", new GuestVirtualAddress(BASE + 8), 'D', Optional.empty())));
    return new PrintkRing(this, symbols, types());
  }

  private static BtfTypes types() {
    BtfWriter writer = new BtfWriter();
    int word = writer.integer("unsigned long", 8);
    int half = writer.integer("unsigned int", 4);
    int small = writer.integer("unsigned short", 2);
    int tiny = writer.integer("unsigned char", 1);
    int atomic = writer.struct("atomic64_t", 8, new Member("counter", word, 0));
    writer.struct(
        "printk_info",
        INFO,
        new Member("seq", word, 0, 0),
        new Member("ts_nsec", word, 64, 0),
        new Member("text_len", small, 128, 0),
        new Member("facility", tiny, 144, 0),
        new Member("flags", tiny, 152, 5),
        new Member("level", tiny, 157, 3),
        new Member("caller_id", half, 160, 0));
    int block =
        writer.struct(
            "prb_data_blk_lpos", 16, new Member("begin", word, 0), new Member("next", word, 8));
    writer.struct(
        "prb_desc",
        DESCRIPTOR,
        new Member("state_var", atomic, 0),
        new Member("text_blk_lpos", block, 8));
    int descriptors =
        writer.struct(
            "prb_desc_ring",
            48,
            new Member("count_bits", half, 0),
            new Member("descs", word, 8),
            new Member("infos", word, 16),
            new Member("head_id", atomic, 24),
            new Member("tail_id", atomic, 32),
            new Member("last_finalized_id", atomic, 40));
    int text =
        writer.struct(
            "prb_data_ring",
            32,
            new Member("size_bits", half, 0),
            new Member("data", word, 8),
            new Member("head_lpos", atomic, 16),
            new Member("tail_lpos", atomic, 24));
    writer.struct(
        "printk_ringbuffer",
        88,
        new Member("desc_ring", descriptors, 0),
        new Member("text_data_ring", text, 48),
        new Member("fail", atomic, 80));
    return BtfTypes.parse("test", writer.bytes());
  }
}
