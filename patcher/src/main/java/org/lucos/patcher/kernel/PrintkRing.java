package org.lucos.patcher.kernel;

import java.util.ArrayList;
import java.util.List;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.bridge.memory.GuestMemory;
import org.lucos.patcher.bytes.MalformedDataException;

/**
 * The kernel log of a guest, read while the guest writes it (kernel/printk/printk_ringbuffer.c).
 *
 * <p>A ring of descriptors says for each message whether it is complete and where its text is in a
 * ring of bytes; a third array, as long as the first, has number, time and level. A descriptor's
 * state holds the message's id, which never comes again, and a writer takes a descriptor out of the
 * finalised state before anything of its message is overwritten. So what was read between two equal
 * readings of a finalised state belongs together; what was not is counted as lost. Ids and numbers
 * of messages rise together, which tells where to begin and is checked of each.
 */
public final class PrintkRing {
  private static final String SOURCE = "guest kernel log";

  /** {@code LOG_BUF_LEN_MAX} is 2 GiB, with 32 bytes of it for each descriptor. */
  private static final int MOST_SIZE_BITS = 31;

  private static final int MOST_COUNT_BITS = 26;
  private static final int CHUNK = 512;

  /** Far more than there are CPUs, and contexts on each, that may be about to log something. */
  private static final int MOST_BEING_WRITTEN = 4096;

  /** All messages of one reading together; a guest's own default is 128 KiB. */
  private static final long MOST_TEXT = 64L << 20;

  private static final int STATE_SHIFT = 62;
  private static final long ID_MASK = (1L << STATE_SHIFT) - 1;
  private static final long FINALISED = 2;
  private static final long REUSABLE = 3;

  /** Of a message without text. */
  private static final long NO_TEXT = 3;

  private final GuestMemory memory;
  private final GuestVirtualAddress pointer;
  private final StructLayout ring;
  private final PrintkInfo info;
  private final Field state;
  private final Field begin;
  private final Field next;
  private final int descriptorSize;

  PrintkRing(GuestMemory memory, SymbolTable symbols, BtfTypes types) {
    this.memory = memory;
    this.pointer = symbols.address("prb");
    this.ring = types.struct("printk_ringbuffer");
    StructLayout descriptor = types.struct("prb_desc");
    this.info = new PrintkInfo(types);
    this.state = descriptor.field("state_var.counter");
    this.begin = descriptor.field("text_blk_lpos.begin");
    this.next = descriptor.field("text_blk_lpos.next");
    this.descriptorSize = PrintkInfo.size(descriptor, List.of(state, begin, next));
  }

  /**
   * Messages that are in the log now.
   *
   * @param from the number of the first that is wanted
   * @param most how many; of more, the newest
   * @throws MalformedDataException if the log's own description makes no sense
   * @throws org.lucos.bridge.memory.MemoryFaultException if it leads out of memory
   */
  public LogReading read(long from, int most) {
    return GuestLists.stable(() -> new Reading(shape(), from).read(most));
  }

  /** The number that the next message will have; smaller if the last one is not complete yet. */
  public long next() {
    return read(0, 1).next();
  }

  /**
   * The ring as it describes itself.
   *
   * @param tail id of the oldest message
   * @param head id of the newest
   * @param first id of message number 0
   */
  private record Shape(
      int countBits,
      int sizeBits,
      GuestVirtualAddress descriptors,
      GuestVirtualAddress infos,
      GuestVirtualAddress text,
      long tail,
      long head,
      long first) {
    int count() {
      return 1 << countBits;
    }

    long size() {
      return 1L << sizeBits;
    }

    int index(long id) {
      return (int) (id & (count() - 1));
    }

    long seq(long id) {
      return (id - first) << 2 >> 2;
    }

    long id(long seq) {
      return (seq + first) & ID_MASK;
    }
  }

  private Shape shape() {
    GuestVirtualAddress at = memory.pointer(pointer);
    GuestLists.requireObject(SOURCE, pointer, at);
    int countBits = bits(at, "desc_ring.count_bits", MOST_COUNT_BITS);
    int sizeBits = bits(at, "text_data_ring.size_bits", MOST_SIZE_BITS);
    GuestVirtualAddress descriptors =
        array(at, "desc_ring.descs", (long) descriptorSize << countBits);
    GuestVirtualAddress infos = array(at, "desc_ring.infos", (long) info.size() << countBits);
    long tail = ring.field("desc_ring.tail_id.counter").read(memory, at) & ID_MASK;
    long head = ring.field("desc_ring.head_id.counter").read(memory, at) & ID_MASK;
    Shape shape =
        new Shape(
            countBits,
            sizeBits,
            descriptors,
            infos,
            array(at, "text_data_ring.data", 1L << sizeBits),
            tail,
            head,
            first(descriptors, infos, head, 1 << countBits));
    long held = shape.seq(shape.head()) - shape.seq(shape.tail());
    // a message more than fits can be seen while the tail is being pushed
    if (held < 0 || held > shape.count()) {
      throw new MalformedDataException(
          SOURCE, at.value(), "absurd number of messages: " + (held + 1));
    }
    return shape;
  }

  /**
   * The id of message number 0: kernels count from {@code DESC0_ID}, which is made of 32 bits in
   * some and of all in others, so one of the newest messages that has its number is asked.
   */
  private long first(
      GuestVirtualAddress descriptors, GuestVirtualAddress infos, long head, int count) {
    for (int back = 0; back < Math.min(count, MOST_BEING_WRITTEN); back++) {
      long id = (head - back) & ID_MASK;
      long index = id & (count - 1);
      long word = state.read(memory, descriptors.plus(index * descriptorSize));
      if ((word & ID_MASK) != id) {
        continue;
      }
      long first = -1;
      if (word >>> STATE_SHIFT == FINALISED) {
        first = id - info.seq(memory, infos.plus(index * info.size()));
      } else if (word >>> STATE_SHIFT == REUSABLE) {
        first = id + 1; // the one before all others, if it is not one that was overwritten
      }
      if ((first & (count - 1)) == 0) {
        return first & ID_MASK;
      }
    }
    throw new MalformedDataException(
        SOURCE, descriptors.value(), "none of the newest messages is complete");
  }

  private int bits(GuestVirtualAddress at, String member, int most) {
    long value = ring.field(member).read(memory, at);
    if (value < 1 || value > most) {
      throw new MalformedDataException(SOURCE, at.value(), "absurd size: " + member + "=" + value);
    }
    return (int) value;
  }

  private GuestVirtualAddress array(GuestVirtualAddress at, String member, long size) {
    GuestVirtualAddress array = ring.field(member).readPointer(memory, at);
    GuestLists.requireObject(SOURCE, at, array);
    if (array.value() > -size) {
      throw new MalformedDataException(SOURCE, at.value(), "array wraps around: " + array);
    }
    return array;
  }

  /** One walk over the ring. */
  private final class Reading {
    private final Shape shape;
    private final long from;
    private final List<LogRecord> records = new ArrayList<>();
    private long lost;
    private long damaged;
    private long textLeft = MOST_TEXT;
    private boolean ended;

    Reading(Shape shape, long from) {
      this.shape = shape;
      this.from = from;
    }

    LogReading read(int most) {
      long oldest = Math.max(0, shape.seq(shape.tail()));
      long end = shape.seq(shape.head()) + 1;
      long wanted = Math.max(from, oldest);
      lost = from <= 0 ? 0 : Math.max(0, oldest - from);
      long at = Math.max(wanted, end - Math.max(1, most));
      while (at < end && !ended) {
        int length = (int) Math.min(CHUNK, end - at);
        at += chunk(at, length);
      }
      return new LogReading(records, Math.min(at, end), lost, damaged);
    }

    /** Reads so many messages; answers how many of them are dealt with. */
    private int chunk(long seq, int length) {
      byte[] before = elements(shape.descriptors(), descriptorSize, seq, length);
      byte[] infos = elements(shape.infos(), info.size(), seq, length);
      List<Found> found = new ArrayList<>();
      List<GuestMemory.Slice> slices = new ArrayList<>();
      int over = 0;
      while (over < length) {
        long word = state.read(before, over * descriptorSize);
        long id = shape.id(seq + over);
        boolean same = (word & ID_MASK) == id;
        if (same && word >>> STATE_SHIFT < FINALISED) {
          ended = true; // being written: it and what follows are read the next time
          break;
        }
        if (!same || word >>> STATE_SHIFT == REUSABLE) {
          lost++;
        } else {
          found.add(new Found(over, id, word));
        }
        over++;
      }
      found.forEach(message -> locate(message, before, infos, seq, slices));
      memory.readAll(slices);
      byte[] after = elements(shape.descriptors(), descriptorSize, seq, length);
      for (Found message : found) {
        add(message, infos, after);
      }
      return over;
    }

    private void locate(
        Found message, byte[] before, byte[] infos, long seq, List<GuestMemory.Slice> slices) {
      int at = message.index * descriptorSize;
      long first = begin.read(before, at);
      long last = next.read(before, at);
      int length = info.length(infos, message.index);
      message.fits = info.seq(infos, message.index) == seq + message.index;
      if ((first & 1) != 0) {
        message.isLost = first != NO_TEXT || last != NO_TEXT; // there was no room for its text
        return;
      }
      long block = block(first, last);
      message.fits &= block >= 0 && length <= room(first, last) && length <= textLeft;
      if (message.fits) {
        textLeft -= length;
        message.text = new byte[length];
        message.hasBlock = true;
        GuestVirtualAddress data = shape.text().plus(block);
        slices.add(new GuestMemory.Slice(data, message.header, 0, Long.BYTES));
        slices.add(new GuestMemory.Slice(data.plus(Long.BYTES), message.text, 0, length));
      }
    }

    /** Offset of a message's block in the ring of text; negative if there can be none. */
    private long block(long first, long last) {
      if (((first | last) & (Long.BYTES - 1)) != 0 || room(first, last) < 0) {
        return -1;
      }
      return wraps(first, last) ? 0 : first & (shape.size() - 1);
    }

    /** Whether a block did not fit before the end of the ring, and so lies at its beginning. */
    private boolean wraps(long first, long last) {
      return last >>> shape.sizeBits() != first >>> shape.sizeBits()
          && (last & (shape.size() - 1)) != 0;
    }

    /** Bytes of text that fit into a block; negative if it is none. */
    private long room(long first, long last) {
      long span = last - first;
      if (span <= 0 || span > shape.size()) {
        return -1;
      }
      return (wraps(first, last) ? last & (shape.size() - 1) : span) - Long.BYTES;
    }

    private void add(Found message, byte[] infos, byte[] after) {
      int at = message.index * descriptorSize;
      if (message.isLost || state.read(after, at) != message.state) {
        lost++; // overwritten while it was read
      } else if (!message.fits
          || (message.hasBlock && Little.u64(message.header, 0) != message.id)) {
        damaged++;
      } else {
        records.add(info.record(infos, message.index, message.text));
      }
    }

    /** A run of array elements, in two pieces where the ring ends in between. */
    private byte[] elements(GuestVirtualAddress array, int size, long seq, int length) {
      byte[] bytes = new byte[length * size];
      int index = shape.index(shape.id(seq));
      int first = Math.min(length, shape.count() - index);
      List<GuestMemory.Slice> slices = new ArrayList<>();
      slices.add(new GuestMemory.Slice(array.plus((long) index * size), bytes, 0, first * size));
      for (int done = first; done < length; done += shape.count()) {
        int more = Math.min(length - done, shape.count());
        slices.add(new GuestMemory.Slice(array, bytes, done * size, more * size));
      }
      memory.readAll(slices);
      return bytes;
    }
  }

  /** A message that was complete when its descriptor was read. */
  private static final class Found {
    private final int index;
    private final long id;
    private final long state;
    private final byte[] header = new byte[Long.BYTES];
    private byte[] text = new byte[0];
    private boolean hasBlock;
    private boolean isLost;
    private boolean fits;

    private Found(int index, long id, long state) {
      this.index = index;
      this.id = id;
      this.state = state;
    }
  }
}
