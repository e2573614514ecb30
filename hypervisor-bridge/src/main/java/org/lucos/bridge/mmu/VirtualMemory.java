package org.lucos.bridge.mmu;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.lucos.bridge.addr.GuestPhysicalAddress;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.bridge.memory.GuestMemory;
import org.lucos.bridge.memory.MemoryFaultException;
import org.lucos.bridge.memory.PhysicalMemory;
import org.lucos.bridge.memory.Recollection;

/**
 * A guest's memory through one set of page tables.
 *
 * <p>Translations are kept between reads, but never longer than {@link #GREATEST_AGE}, and never
 * across a stop or resume of the guest ({@link PhysicalMemory#epoch()}), without the page tables
 * that they came from being read again: in a stopped guest every read sees these as they are. While
 * the guest runs, a page that it unmaps and maps elsewhere may be read at its old place for that
 * long; {@link #forgetTranslations()} makes the next read walk afresh.
 */
public final class VirtualMemory implements GuestMemory {
  /** How long a translation is used before it is looked up again. */
  public static final Duration GREATEST_AGE = Duration.ofMillis(20);

  private static final long PAGE = 1L << PageTableEntry.PAGE_SHIFT;

  /** Bounds the cache against a caller that sweeps over all memory: 4 GiB of 4 KiB pages. */
  private static final int MOST_PAGES = 1 << 20;

  private final PhysicalMemory memory;
  private final LongSupplier nanoClock;
  private final TableCache tables;
  private final PageWalker walker;
  private final Map<Long, Long> frames = new HashMap<>();

  /** Of the works that go on, each begun within the one before. */
  private final Deque<ReadTrace> traces = new ArrayDeque<>();

  private long filledAt;
  private long filledInEpoch;

  /** Sees {@code memory} as page tables from {@code root} on map it. */
  public VirtualMemory(PhysicalMemory memory, PagingRoot root) {
    this(memory, root, System::nanoTime);
  }

  VirtualMemory(PhysicalMemory memory, PagingRoot root, LongSupplier nanoClock) {
    this.memory = memory;
    this.nanoClock = nanoClock;
    this.tables = new TableCache(memory);
    this.walker = new PageWalker(tables, root);
  }

  /** Makes the next read walk the page tables afresh. */
  public synchronized void forgetTranslations() {
    frames.clear();
    tables.clear();
  }

  /**
   * Where {@code at} is in physical memory.
   *
   * @throws MemoryFaultException if it is not mapped
   */
  public synchronized GuestPhysicalAddress physical(GuestVirtualAddress at) {
    forgetIfOld();
    try {
      return new GuestPhysicalAddress(frame(at.value(), at.value(), 1) | (at.value() & (PAGE - 1)));
    } catch (MemoryFaultException e) {
      traces.forEach(ReadTrace::fault);
      throw e;
    }
  }

  @Override
  public void read(GuestVirtualAddress at, byte[] into, int offset, int length) {
    readAll(List.of(new Slice(at, into, offset, length)));
  }

  @Override
  public synchronized void readAll(List<Slice> slices) {
    forgetIfOld();
    List<PhysicalMemory.Slice> pieces = new ArrayList<>(slices.size() + 8);
    try {
      for (Slice slice : slices) {
        split(slice, pieces);
      }
      memory.readAll(pieces);
    } catch (MemoryFaultException e) {
      traces.forEach(ReadTrace::fault);
      throw e;
    }
    for (ReadTrace trace : traces) {
      slices.forEach(trace::slice);
    }
  }

  /** Whoever reads on another thread waits until the work is done. */
  @Override
  public synchronized <T> Recollection<T> recollect(Supplier<T> work) {
    ReadTrace trace = new ReadTrace();
    traces.push(trace);
    T value;
    try {
      value = work.get();
    } finally {
      traces.pop();
    }
    trace.end();
    return new Recollection<>(value, () -> isUnchanged(trace));
  }

  private synchronized boolean isUnchanged(ReadTrace trace) {
    if (!trace.isComplete()) {
      return false;
    }
    try {
      readAll(trace.slices());
      for (Map.Entry<Long, Long> page : trace.frames().entrySet()) {
        if (frame(page.getKey(), page.getKey(), 1) != page.getValue()) {
          return false;
        }
      }
    } catch (MemoryFaultException e) {
      return false;
    }
    return trace.isSame();
  }

  /** Adds one piece for each run of physically contiguous pages. */
  private void split(Slice slice, List<PhysicalMemory.Slice> pieces) {
    Objects.checkFromIndexSize(slice.offset(), slice.length(), slice.into().length);
    long first = slice.at().value();
    int done = 0;
    int pieceStart = 0;
    long pieceAt = 0;
    while (done < slice.length()) {
      long virtual = first + done;
      long inPage = virtual & (PAGE - 1);
      long physical = frame(virtual, first, slice.length()) | inPage;
      int length = (int) Math.min(PAGE - inPage, slice.length() - done);
      if (done == 0) {
        pieceAt = physical;
      } else if (pieceAt + (done - pieceStart) != physical) {
        pieces.add(piece(slice, pieceAt, pieceStart, done));
        pieceAt = physical;
        pieceStart = done;
      }
      done += length;
    }
    if (done > pieceStart) {
      pieces.add(piece(slice, pieceAt, pieceStart, done));
    }
  }

  private static PhysicalMemory.Slice piece(Slice slice, long physical, int from, int to) {
    return new PhysicalMemory.Slice(
        new GuestPhysicalAddress(physical), slice.into(), slice.offset() + from, to - from);
  }

  private long frame(long virtual, long askedAt, long askedSize) {
    long page = virtual & -PAGE;
    Long known = frames.get(page);
    if (known == null) {
      GuestPhysicalAddress found =
          walker
              .translate(new GuestVirtualAddress(page))
              .map(Translation::address)
              .orElseThrow(
                  () ->
                      new MemoryFaultException(
                          "virtual",
                          askedAt,
                          askedSize,
                          "not mapped at 0x" + Long.toHexString(virtual)));
      known = found.value();
      if (frames.size() >= MOST_PAGES) {
        frames.clear();
      }
      frames.put(page, known);
    }
    for (ReadTrace trace : traces) {
      trace.frame(page, known);
    }
    return known;
  }

  /** Where the tables still are what they were, so are the translations. */
  private void forgetIfOld() {
    long now = nanoClock.getAsLong();
    long epoch = memory.epoch();
    if (epoch != filledInEpoch || now - filledAt > GREATEST_AGE.toNanos()) {
      if (!tables.refresh()) {
        frames.clear();
      }
      filledAt = now;
      filledInEpoch = epoch;
    }
  }
}
