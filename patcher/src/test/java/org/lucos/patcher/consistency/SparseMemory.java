package org.lucos.patcher.consistency;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.bridge.memory.GuestMemory;
import org.lucos.bridge.memory.MemoryFaultException;
import org.lucos.bridge.memory.Recollection;

/** Memory of which only what was put exists. */
final class SparseMemory implements GuestMemory {
  private static final int PAGE = 4096;

  private final Map<Long, byte[]> pages = new HashMap<>();
  private @Nullable List<Slice> trace;

  @Override
  public void read(GuestVirtualAddress at, byte[] into, int offset, int length) {
    for (int i = 0; i < length; i++) {
      long address = at.value() + i;
      byte[] page = pages.get(address & -PAGE);
      if (page == null) {
        throw new MemoryFaultException("virtual", at.value(), length, "nothing there");
      }
      into[offset + i] = page[(int) (address & (PAGE - 1))];
    }
    if (trace != null) {
      trace.add(new Slice(at, Arrays.copyOfRange(into, offset, offset + length), 0, length));
    }
  }

  @Override
  public <T> Recollection<T> recollect(Supplier<T> work) {
    List<Slice> reads = new ArrayList<>();
    trace = reads;
    T value;
    try {
      value = work.get();
    } finally {
      trace = null;
    }
    return new Recollection<>(
        value,
        () ->
            reads.stream()
                .allMatch(read -> Arrays.equals(bytes(read.at(), read.length()), read.into())));
  }

  /** Makes zeroed memory of a range. */
  void map(long from, long size) {
    for (long page = from & -PAGE; page < from + size; page += PAGE) {
      pages.putIfAbsent(page, new byte[PAGE]);
    }
  }

  /** Takes the page of an address away. */
  void unmap(long at) {
    pages.remove(at & -PAGE);
  }

  /** Puts a word, and a page around it if there is none. */
  void put(long at, long word) {
    map(at, 8);
    byte[] bytes = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(word).array();
    for (int i = 0; i < bytes.length; i++) {
      byte[] page = pages.get((at + i) & -PAGE);
      if (page != null) {
        page[(int) ((at + i) & (PAGE - 1))] = bytes[i];
      }
    }
  }

  /** Puts words one after the other. */
  void putAll(long at, long... words) {
    for (int i = 0; i < words.length; i++) {
      put(at + 8L * i, words[i]);
    }
  }
}
