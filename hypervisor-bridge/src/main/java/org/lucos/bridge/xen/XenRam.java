package org.lucos.bridge.xen;

import java.util.ArrayList;
import java.util.List;
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

  /** Tells which frames are RAM: of {@code count} from {@code first} on, {@code step} apart. */
  @FunctionalInterface
  interface Probe {
    boolean[] areRam(long first, int count, long step);
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
      boolean[] found = probe.areRam((long) at * STRIDE, count, STRIDE);
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
          runs.add(first + at, probe.areRam(first + at, Math.min(atOnce, count - at), 1));
        }
      } else {
        runs.add(first, new boolean[count]);
      }
    }
    return runs.end();
  }

  private static final class Runs {
    private final List<MemoryRegion> regions = new ArrayList<>();
    private long start = -1;
    private long next;

    void add(long first, boolean[] ram) {
      next = first;
      for (boolean there : ram) {
        if (there && start < 0) {
          start = next;
        } else if (!there && start >= 0) {
          close();
        }
        next++;
      }
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
