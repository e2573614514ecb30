package org.lucos.bridge.xen;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.BitSet;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.lucos.bridge.addr.GuestPhysicalAddress;
import org.lucos.bridge.memory.MemoryRegion;

class XenRamTest {
  private final BitSet ram = new BitSet();
  private final AtomicInteger calls = new AtomicInteger();

  private List<MemoryRegion> regions(long last) {
    return XenRam.regions(this::areRam, last, 1024);
  }

  private boolean[] areRam(long[] frames) {
    calls.incrementAndGet();
    boolean[] found = new boolean[frames.length];
    for (int i = 0; i < frames.length; i++) {
      found[i] = ram.get((int) frames[i]);
    }
    return found;
  }

  private static MemoryRegion frames(long first, long end) {
    return new MemoryRegion(new GuestPhysicalAddress(first << 12), (end - first) << 12);
  }

  @Test
  void memoryOnBothSidesOfTheHoleIsFoundWithoutAskingAboutAllOfIt() {
    ram.set(0, 0xa0);
    ram.set(0x100, 0x1ff00);
    ram.set(0x100000, 0x140000);
    assertThat(regions(0x13ffff))
        .containsExactly(frames(0, 0xa0), frames(0x100, 0x1ff00), frames(0x100000, 0x140000));
    assertThat(calls.get()).isLessThan(0x140000 / 512 / 2);
  }

  @Test
  void pagesGivenBackAreNoMemory() {
    ram.set(0, 0x8000);
    ram.clear(0x1000, 0x1003); // the first of a block, and two behind
    ram.clear(0x2345);
    ram.clear(0x7fff);
    assertThat(regions(0x8000))
        .containsExactly(frames(0, 0x1000), frames(0x1003, 0x2345), frames(0x2346, 0x7fff));
  }

  @Test
  void framesThatAreListedFormRegionsAsFarAsTheyAreMemory() {
    ram.set(10, 14);
    ram.set(20, 22);
    ram.set(30, 40);
    long[] listed = {3, 10, 11, 13, 20, 21, 22, 30};
    List<MemoryRegion> regions = XenRam.regions(this::areRam, listed, 3);
    assertThat(regions)
        .containsExactly(frames(10, 12), frames(13, 14), frames(20, 22), frames(30, 31));
    assertThat(calls.get()).isEqualTo(3);
    assertThat(XenRam.regions(this::areRam, new long[0], 3)).isEmpty();
  }

  @Test
  void guestWithoutMemoryHasNoRegions() {
    assertThat(regions(5)).isEmpty();
    ram.set(5);
    assertThat(regions(5)).isEmpty(); // special pages far from memory are none of it
    ram.set(0);
    assertThat(regions(5)).containsExactly(frames(0, 1), frames(5, 6));
  }
}
