package org.lucos.bridge.xen;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.LongStream;
import org.lucos.bridge.addr.GuestPhysicalAddress;
import org.lucos.bridge.jna.XenAccess;
import org.lucos.bridge.memory.MemoryRegion;

/**
 * Where a guest has RAM. Xen keeps no list of it that another domain could read, but tells of each
 * frame whether there is a page. There may be billions of frames and a hole of gigabytes, so one
 * frame of every {@link #STRIDE} is asked about first, and then all of those around the ones that
 * are there: RAM begins and ends at such boundaries, except where a guest has given pages back.
 */
final class XenRam {
  /** Frames of 2 MiB. */
  static final int STRIDE = 512;

  private XenRam() {}

  /** Tells which of some frames are RAM. */
  @FunctionalInterface
  interface Probe {
    boolean[] areRam(long[] frames);
  }

  /**
   * Finds the regions, in ascending order.
   *
   * @param lastFrame the highest frame that may be RAM
   * @param atOnce frames that may be asked about with one call
   */
  static List<MemoryRegion> regions(Probe probe, long lastFrame, int atOnce) {
    int blocks = Math.toIntExact(lastFrame / STRIDE + 1);
    boolean[] begun = new boolean[blocks];
    for (int at = 0; at < blocks; at += atOnce) {
      int count = Math.min(atOnce, blocks - at);
      boolean[] found = probe.areRam(frames((long) at * STRIDE, count, STRIDE));
      System.arraycopy(found, 0, begun, at, count);
    }
    Runs runs = new Runs();
    for (int block = 0; block < blocks; block++) {
      boolean near =
          begun[block]
              || (block > 0 && begun[block - 1])
              || (block + 1 < blocks && begun[block + 1]);
      long first = (long) block * STRIDE;
      int count = (int) Math.min(STRIDE, lastFrame + 1 - first);
      if (near) {
        for (int at = 0; at < count; at += atOnce) {
          runs.add(first + at, probe.areRam(frames(first + at, Math.min(atOnce, count - at), 1)));
        }
      } else {
        runs.add(first, new boolean[count]);
      }
    }
    return runs.end();
  }

  /**
   * The regions that frames form, as far as they are RAM.
   *
   * @param frames ascending, each once
   * @param atOnce frames that may be asked about with one call
   */
  static List<MemoryRegion> regions(Probe probe, long[] frames, int atOnce) {
    Runs runs = new Runs();
    for (int at = 0; at < frames.length; at += atOnce) {
      long[] asked = Arrays.copyOfRange(frames, at, Math.min(frames.length, at + atOnce));
      boolean[] found = probe.areRam(asked);
      for (int i = 0; i < asked.length; i++) {
        runs.add(asked[i], found[i]);
      }
    }
    return runs.end();
  }

  private static long[] frames(long first, int count, long step) {
    return LongStream.range(0, count).map(i -> first + i * step).toArray();
  }

  private static final class Runs {
    private final List<MemoryRegion> regions = new ArrayList<>();
    private long start = -1;
    private long next;

    void add(long first, boolean[] ram) {
      for (int i = 0; i < ram.length; i++) {
        add(first + i, ram[i]);
      }
    }

    /** Frames come in ascending order; those that do not come are no RAM. */
    void add(long frame, boolean ram) {
      if (start >= 0 && (!ram || frame != next)) {
        close();
      }
      if (ram && start < 0) {
        start = frame;
      }
      next = frame + 1;
    }

    private void close() {
      regions.add(
          new MemoryRegion(
              new GuestPhysicalAddress(start * XenAccess.PAGE), (next - start) * XenAccess.PAGE));
      start = -1;
    }

    List<MemoryRegion> end() {
      if (start >= 0) {
        close();
      }
      return List.copyOf(regions);
    }
  }
}
