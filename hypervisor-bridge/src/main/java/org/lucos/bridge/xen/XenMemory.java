package org.lucos.bridge.xen;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;
import java.util.function.UnaryOperator;
import org.lucos.bridge.addr.GuestPhysicalAddress;
import org.lucos.bridge.jna.NativeCallException;
import org.lucos.bridge.jna.XenAccess;
import org.lucos.bridge.memory.MemoryFaultException;
import org.lucos.bridge.memory.MemoryRegion;
import org.lucos.bridge.memory.PhysicalMemory;

/**
 * A guest's RAM through mappings of it in this process, made as they are needed, many pages with
 * one call.
 *
 * <p>A mapping is of the page that was in a frame when it was made. A guest that gives memory back
 * and gets other memory later has another page there, and the mapping does not follow. So none is
 * used across a stop, nor while the guest runs for longer than {@link #LONGEST_USE}: what is read
 * in a pause was mapped in that pause.
 */
final class XenMemory implements PhysicalMemory, AutoCloseable {
  /** For how long a mapping may serve while the guest runs, in nanoseconds. */
  static final long LONGEST_USE = 100_000_000;

  /** Pages that are mapped together. */
  static final int WINDOW_PAGES = 16;

  /** Windows that are kept at a time: 64 MiB. */
  static final int MOST_WINDOWS = 1024;

  private static final int WINDOW = WINDOW_PAGES * XenAccess.PAGE;
  private static final int WINDOWS_AT_ONCE = XenAccess.MOST_PAGES / WINDOW_PAGES;
  private static final String SPACE = "physical";

  private final XenAccess xen;
  private final int domain;
  private final List<MemoryRegion> regions;
  private final UnaryOperator<GuestPhysicalAddress> located;
  private final LongSupplier nanoClock;
  private final AtomicLong epoch = new AtomicLong();
  private final Map<Long, Place> windows = new HashMap<>();
  private final Map<Long, XenAccess.Mapping> writable = new HashMap<>();
  private final List<XenAccess.Mapping> mappings = new ArrayList<>();
  private boolean held;
  private long oldest;

  /** A window: where in which mapping it begins. */
  private record Place(XenAccess.Mapping mapping, int firstPage) {}

  /** A part of a slice that lies in one window. */
  private record Piece(long window, int offset, Slice slice, int at, int length) {}

  /** The memory of a guest whose addresses are what it takes them for. */
  XenMemory(XenAccess xen, int domain, List<MemoryRegion> regions, LongSupplier nanoClock) {
    this(xen, domain, regions, UnaryOperator.identity(), nanoClock);
  }

  /**
   * @param regions the guest's RAM
   * @param located tells what {@link #located(GuestPhysicalAddress)} tells
   */
  XenMemory(
      XenAccess xen,
      int domain,
      List<MemoryRegion> regions,
      UnaryOperator<GuestPhysicalAddress> located,
      LongSupplier nanoClock) {
    this.xen = xen;
    this.domain = domain;
    this.regions = List.copyOf(regions);
    this.located = located;
    this.nanoClock = nanoClock;
  }

  @Override
  public List<MemoryRegion> regions() {
    return regions;
  }

  @Override
  public GuestPhysicalAddress located(GuestPhysicalAddress guests) {
    return located.apply(guests);
  }

  @Override
  public long epoch() {
    return epoch.get();
  }

  /**
   * To be called whenever the guest was stopped or let run: what was mapped before is let go.
   *
   * @param stopped whether it stands still now
   */
  synchronized void beginEpoch(boolean stopped) {
    epoch.incrementAndGet();
    held = stopped;
    forget();
  }

  private void forget() {
    windows.clear();
    mappings.forEach(XenAccess.Mapping::close);
    mappings.clear();
    writable.values().forEach(XenAccess.Mapping::close);
    writable.clear();
  }

  @Override
  public void read(GuestPhysicalAddress at, byte[] into, int offset, int length) {
    readAll(List.of(new Slice(at, into, offset, length)));
  }

  @Override
  public synchronized void readAll(List<Slice> slices) {
    if (!held && nanoClock.getAsLong() - oldest > LONGEST_USE) {
      forget();
    }
    List<Piece> batch = new ArrayList<>();
    Set<Long> missing = new LinkedHashSet<>();
    for (Slice slice : slices) {
      Objects.checkFromIndexSize(slice.offset(), slice.length(), slice.into().length);
      requireRam(slice.at().value(), slice.length());
      int done = 0;
      while (done < slice.length()) {
        long address = slice.at().value() + done;
        int offset = (int) (address % WINDOW);
        int length = Math.min(slice.length() - done, WINDOW - offset);
        long window = address / WINDOW;
        if (!windows.containsKey(window) && missing.add(window)) {
          if (missing.size() > WINDOWS_AT_ONCE) {
            missing.remove(window);
            copy(batch, missing);
            missing.add(window);
          }
        }
        batch.add(new Piece(window, offset, slice, slice.offset() + done, length));
        done += length;
      }
    }
    copy(batch, missing);
  }

  /** Maps what is missing and copies the pieces out; leaves both empty. */
  private void copy(List<Piece> batch, Set<Long> missing) {
    if (windows.size() + missing.size() > MOST_WINDOWS) {
      forget();
      batch.forEach(piece -> missing.add(piece.window()));
    }
    List<Long> wanted = List.copyOf(missing);
    for (int from = 0; from < wanted.size(); from += WINDOWS_AT_ONCE) {
      List<Long> part = wanted.subList(from, Math.min(wanted.size(), from + WINDOWS_AT_ONCE));
      map(part, batch.get(0).slice());
    }
    for (Piece piece : batch) {
      Place place = Objects.requireNonNull(windows.get(piece.window()));
      int firstPage = piece.offset() / XenAccess.PAGE;
      int lastPage = (piece.offset() + piece.length() - 1) / XenAccess.PAGE;
      for (int page = firstPage; page <= lastPage; page++) {
        if (!place.mapping().has(place.firstPage() + page)) {
          throw fault(piece.slice().at().value(), piece.slice().length(), "Xen maps no page there");
        }
      }
      place
          .mapping()
          .get(
              (long) place.firstPage() * XenAccess.PAGE + piece.offset(),
              piece.slice().into(),
              piece.at(),
              piece.length());
    }
    batch.clear();
    missing.clear();
  }

  private void map(List<Long> wanted, Slice asked) {
    long[] frames = new long[wanted.size() * WINDOW_PAGES];
    for (int i = 0; i < frames.length; i++) {
      frames[i] = wanted.get(i / WINDOW_PAGES) * WINDOW_PAGES + i % WINDOW_PAGES;
    }
    if (mappings.isEmpty()) {
      oldest = nanoClock.getAsLong();
    }
    XenAccess.Mapping mapping = mapped(frames, false, asked.at().value(), asked.length());
    mappings.add(mapping);
    for (int i = 0; i < wanted.size(); i++) {
      windows.put(wanted.get(i), new Place(mapping, i * WINDOW_PAGES));
    }
  }

  private XenAccess.Mapping mapped(long[] frames, boolean write, long address, long size) {
    try {
      return xen.map(domain, frames, write);
    } catch (NativeCallException e) {
      MemoryFaultException fault = fault(address, size, "mapping failed: " + e.getMessage());
      fault.initCause(e);
      throw fault;
    }
  }

  /**
   * Makes pages ready to be written in this epoch, if the bytes are all RAM.
   *
   * @throws MemoryFaultException if any is not
   */
  synchronized void prepareWrite(GuestPhysicalAddress at, int length) {
    requireRam(at.value(), length);
    for (long frame = at.value() / XenAccess.PAGE;
        frame <= (at.value() + length - 1) / XenAccess.PAGE;
        frame++) {
      if (!writable.containsKey(frame)) {
        XenAccess.Mapping page = mapped(new long[] {frame}, true, at.value(), length);
        if (!page.has(0)) {
          page.close();
          throw fault(at.value(), length, "Xen does not let the page be written");
        }
        writable.put(frame, page);
      }
    }
  }

  /**
   * Writes, and lets a migration that goes on know of it.
   *
   * @throws MemoryFaultException if any byte is not RAM; nothing is written
   */
  synchronized void write(GuestPhysicalAddress at, byte[] bytes) {
    if (!held) {
      writable.values().forEach(XenAccess.Mapping::close); // nothing says how old they are
      writable.clear();
    }
    prepareWrite(at, bytes.length);
    int done = 0;
    while (done < bytes.length) {
      long address = at.value() + done;
      int offset = (int) (address % XenAccess.PAGE);
      int length = Math.min(bytes.length - done, XenAccess.PAGE - offset);
      long frame = address / XenAccess.PAGE;
      Objects.requireNonNull(writable.get(frame)).put(offset, bytes, done, length);
      xen.markWritten(domain, frame);
      done += length;
    }
  }

  private void requireRam(long address, int length) {
    int low = 0;
    int high = regions.size() - 1;
    while (low <= high) {
      int middle = (low + high) >>> 1;
      MemoryRegion region = regions.get(middle);
      long offset = address - region.start().value();
      if (offset < 0) {
        high = middle - 1;
      } else if (offset >= region.size()) {
        low = middle + 1;
      } else if (length > region.size() - offset) {
        break;
      } else {
        return;
      }
    }
    if (length > 0) {
      throw fault(address, length, "not RAM");
    }
  }

  private static MemoryFaultException fault(long address, long size, String reason) {
    return new MemoryFaultException(SPACE, address, size, reason);
  }

  @Override
  public synchronized void close() {
    forget();
  }
}
