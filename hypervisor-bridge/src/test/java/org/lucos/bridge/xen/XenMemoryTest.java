package org.lucos.bridge.xen;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.lucos.bridge.addr.GuestPhysicalAddress;
import org.lucos.bridge.jna.XenAccess;
import org.lucos.bridge.memory.MemoryFaultException;
import org.lucos.bridge.memory.MemoryRegion;
import org.lucos.bridge.memory.PhysicalMemory;

class XenMemoryTest {
  private static final int PAGE = XenAccess.PAGE;

  private final FakeXen xen = new FakeXen();
  private final AtomicLong clock = new AtomicLong();
  private final Random random = new Random(5);

  private XenMemory memory(long first, int pages) {
    for (long frame = first; frame < first + pages; frame++) {
      byte[] page = new byte[PAGE];
      random.nextBytes(page);
      xen.pages.put(frame, page);
    }
    return new XenMemory(
        xen,
        FakeXen.ID,
        List.of(new MemoryRegion(new GuestPhysicalAddress(first * PAGE), (long) pages * PAGE)),
        clock::get);
  }

  private byte expected(long address) {
    return xen.pages.getOrDefault(address / PAGE, new byte[PAGE])[(int) (address % PAGE)];
  }

  @Test
  void anySlicesAreReadWithFewMappings() {
    int pages = 3 * XenAccess.MOST_PAGES;
    XenMemory memory = memory(7, pages);
    List<PhysicalMemory.Slice> slices = new ArrayList<>();
    for (int i = 0; i < 2000; i++) {
      byte[] into = new byte[4 + random.nextInt(20_000)];
      long at = 7L * PAGE + random.nextInt(pages * PAGE - into.length);
      slices.add(new PhysicalMemory.Slice(new GuestPhysicalAddress(at), into, 2, into.length - 4));
    }
    memory.readAll(slices);
    for (PhysicalMemory.Slice slice : slices) {
      for (int i = 0; i < slice.length(); i += 97) {
        assertThat(slice.into()[2 + i]).isEqualTo(expected(slice.at().value() + i));
      }
      assertThat(slice.into()[0]).isZero();
      assertThat(slice.into()[slice.into().length - 1]).isZero();
    }
    assertThat(xen.mapped).hasSizeLessThan(10).allMatch(count -> count <= XenAccess.MOST_PAGES);
    memory.close();
    assertThat(xen.mappings).isZero();
  }

  @Test
  void mappingIsNotUsedAcrossAStopNorForLong() {
    XenMemory memory = memory(0, 4);
    byte[] byteRead = new byte[1];
    GuestPhysicalAddress at = new GuestPhysicalAddress(PAGE);
    memory.read(at, byteRead, 0, 1);
    xen.pages.put(1L, new byte[PAGE]); // another page is there now
    clock.addAndGet(XenMemory.LONGEST_USE + 1);
    memory.read(at, byteRead, 0, 1);
    assertThat(byteRead).containsExactly(0);
    byte[] ones = new byte[PAGE];
    ones[0] = 1;
    xen.pages.put(1L, ones);
    long before = memory.epoch();
    memory.beginEpoch(true);
    assertThat(memory.epoch()).isNotEqualTo(before);
    memory.read(at, byteRead, 0, 1);
    assertThat(byteRead).containsExactly(1);
    clock.addAndGet(1000 * XenMemory.LONGEST_USE);
    memory.read(at, byteRead, 0, 1);
    assertThat(xen.mapped).hasSize(3); // while the guest stands nothing can change
  }

  @Test
  void whatIsNotRamFaultsAndPagesThatWentAwayToo() {
    XenMemory memory = memory(16, 16);
    byte[] bytes = new byte[2 * PAGE];
    for (long at : new long[] {0, 15 * PAGE + 1, 31 * PAGE + 1, 32 * PAGE, 1L << 51}) {
      assertThatThrownBy(() -> memory.read(new GuestPhysicalAddress(at), bytes, 0, bytes.length))
          .isInstanceOf(MemoryFaultException.class)
          .hasMessageContaining("not RAM");
      assertThatThrownBy(() -> memory.write(new GuestPhysicalAddress(at), bytes))
          .isInstanceOf(MemoryFaultException.class);
    }
    xen.pages.remove(20L);
    assertThatThrownBy(
            () -> memory.read(new GuestPhysicalAddress(19 * PAGE), bytes, 0, bytes.length))
        .isInstanceOf(MemoryFaultException.class)
        .hasMessageContaining("maps no page");
    assertThatThrownBy(() -> memory.write(new GuestPhysicalAddress(19 * PAGE), bytes))
        .isInstanceOf(MemoryFaultException.class);
    assertThat(expected(19 * PAGE)).isNotZero(); // nothing was written of it
    xen.gone = true;
    memory.beginEpoch(false);
    assertThatThrownBy(() -> memory.read(new GuestPhysicalAddress(16 * PAGE), bytes, 0, 1))
        .isInstanceOf(MemoryFaultException.class)
        .hasMessageContaining("mapping failed");
  }

  @Test
  void writeReachesThePagesAndIsToldToXen() {
    XenMemory memory = memory(8, 4);
    byte[] bytes = new byte[PAGE + 10];
    random.nextBytes(bytes);
    memory.write(new GuestPhysicalAddress(9 * PAGE - 5), bytes);
    byte[] found = new byte[bytes.length];
    memory.read(new GuestPhysicalAddress(9 * PAGE - 5), found, 0, found.length);
    assertThat(found).isEqualTo(bytes);
    assertThat(xen.marked).containsExactlyInAnyOrder(8L, 9L, 10L);
  }
}
