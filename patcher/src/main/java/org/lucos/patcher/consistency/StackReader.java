package org.lucos.patcher.consistency;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.bridge.memory.GuestMemory;
import org.lucos.bridge.memory.MemoryFaultException;

/** Reads the live parts of many stacks with few large reads, a bounded amount at a time. */
final class StackReader {
  /** Enough for a thousand sleeping tasks in one read, little enough to stay in a cache. */
  private static final int BATCH_WORDS = 1 << 18;

  private final GuestMemory memory;
  private byte[] bytes = new byte[0];
  private long[] words = new long[0];
  private long wordsRead;

  /**
   * A stack to look at.
   *
   * @param task whose it is
   * @param vcpu what runs it, if a vCPU does; the extents then come from there
   * @param extents the used parts, innermost first
   */
  record Item(TaskStack task, @Nullable VcpuTrace vcpu, List<VcpuTrace.Extent> extents) {
    private int words() {
      long sum = 0;
      for (VcpuTrace.Extent extent : extents) {
        sum += (extent.to() - extent.from()) / 8;
      }
      return Math.toIntExact(sum);
    }
  }

  /** What to do with a stack; the words are valid during the call only. */
  interface Judge {
    void judge(Item item, LiveStack stack);

    /** The stack cannot be read. */
    void unreadable(Item item, MemoryFaultException fault);
  }

  StackReader(GuestMemory memory) {
    this.memory = memory;
  }

  /** How many words have been read in all. */
  long wordsRead() {
    return wordsRead;
  }

  /** Reads every item's stack and has it judged. */
  void readAll(List<Item> items, Judge judge) {
    int from = 0;
    while (from < items.size()) {
      int to = from;
      int total = 0;
      while (to < items.size() && (to == from || total + items.get(to).words() <= BATCH_WORDS)) {
        total += items.get(to).words();
        to++;
      }
      batch(items.subList(from, to), total, judge);
      from = to;
    }
  }

  private void batch(List<Item> items, int total, Judge judge) {
    if (words.length < total) {
      words = new long[Math.max(total, Math.min(BATCH_WORDS, 2 * words.length))];
      bytes = new byte[words.length * 8];
    }
    List<GuestMemory.Slice> slices = new ArrayList<>();
    int at = 0;
    for (Item item : items) {
      at = slices(item, at, slices::add);
    }
    boolean whole = read(slices);
    if (whole) {
      ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asLongBuffer().get(words, 0, total);
    }
    at = 0;
    for (Item item : items) {
      if (whole || readAlone(item, at, judge)) {
        judge.judge(item, stack(item, at));
      }
      at += item.words();
    }
    wordsRead += total;
  }

  /** After a read of many has failed: finds out which. */
  private boolean readAlone(Item item, int at, Judge judge) {
    List<GuestMemory.Slice> slices = new ArrayList<>();
    slices(item, at, slices::add);
    try {
      memory.readAll(slices);
      ByteBuffer.wrap(bytes)
          .order(ByteOrder.LITTLE_ENDIAN)
          .asLongBuffer()
          .position(at)
          .get(words, at, item.words());
      return true;
    } catch (MemoryFaultException e) {
      judge.unreadable(item, e);
      return false;
    }
  }

  private boolean read(List<GuestMemory.Slice> slices) {
    try {
      memory.readAll(slices);
      return true;
    } catch (MemoryFaultException e) {
      return false;
    }
  }

  private int slices(Item item, int at, Consumer<GuestMemory.Slice> sink) {
    int next = at;
    for (VcpuTrace.Extent extent : item.extents()) {
      int count = (int) ((extent.to() - extent.from()) / 8);
      if (count > 0) {
        sink.accept(
            new GuestMemory.Slice(
                new GuestVirtualAddress(extent.from()), bytes, next * 8, count * 8));
      }
      next += count;
    }
    return next;
  }

  private LiveStack stack(Item item, int at) {
    List<LiveStack.Span> spans = new ArrayList<>(item.extents().size());
    int next = at;
    for (VcpuTrace.Extent extent : item.extents()) {
      int count = (int) ((extent.to() - extent.from()) / 8);
      spans.add(new LiveStack.Span(extent.from(), words, next, count));
      next += count;
    }
    return new LiveStack(spans);
  }
}
