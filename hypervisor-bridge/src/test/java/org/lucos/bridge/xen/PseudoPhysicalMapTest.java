package org.lucos.bridge.xen;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.lucos.bridge.addr.AddressOutOfRangeException;
import org.lucos.bridge.addr.GuestPhysicalAddress;
import org.lucos.bridge.memory.MemoryFaultException;

class PseudoPhysicalMapTest {
  private static final int PAGE = 4096;
  private static final int PER_PAGE = PAGE / 8;

  /** Where Linux has it, or about there. */
  private static final long LIST = 0xffffc90040600000L;

  private static final long ROOT = 0x1000;
  private static final long PAGES = 100;

  private final FakeXen xen = new FakeXen();
  private final PseudoPhysicalMap map =
      new PseudoPhysicalMap(
          () -> PseudoPhysicalMap.everything(xen, FakeXen.ID), FakeXen.SHARED_INFO);

  /** A list of three pages, of which the second is not there. */
  @BeforeEach
  void lay() {
    word(FakeXen.SHARED_INFO, 3088 / 8, 3 * PER_PAGE);
    word(FakeXen.SHARED_INFO, 3112 / 8, ROOT * PAGE);
    word(FakeXen.SHARED_INFO, 3120 / 8, LIST);
    word(ROOT, (int) (LIST >>> 39 & 511), 0x1001L * PAGE | 7);
    word(0x1001, (int) (LIST >>> 30 & 511), 0x1002L * PAGE | 7);
    word(0x1002, (int) (LIST >>> 21 & 511), 0x1003L * PAGE | 7);
    word(0x1003, 0, 0x2000L * PAGE | 7);
    word(0x1003, 2, 0x2002L * PAGE | 7);
    for (int i = 0; i < PER_PAGE; i++) {
      word(0x2000, i, -1);
      word(0x2002, i, -1);
    }
    word(0x2000, 1, 0x501);
    word(0x2000, 2, 0x500);
    word(0x2000, 3, 0x501); // a guest may say so
    word(0x2000, 4, 1L << 63 | 0x600); // another guest's
    word(0x2000, 5, 1L << 62 | 0x601); // a device's
    word(0x2002, PER_PAGE - 1, 0x700);
  }

  private void word(long frame, int index, long value) {
    byte[] page = xen.pages.computeIfAbsent(frame, f -> new byte[PAGE]);
    ByteBuffer.wrap(page).order(ByteOrder.LITTLE_ENDIAN).putLong(8 * index, value);
  }

  @AfterEach
  void nothingStaysMapped() {
    assertThat(xen.mappings).isZero();
  }

  @Test
  void listNamesTheFramesOfTheGuest() {
    assertThat(map.frames(PAGES)).containsExactly(0x500, 0x501, 0x700);
  }

  @Test
  void pageIsWhereTheListSays() {
    assertThat(map.machineAddress(new GuestPhysicalAddress(0x2123)))
        .isEqualTo(new GuestPhysicalAddress(0x500123));
    assertThat(map.machineAddress(new GuestPhysicalAddress((3 * PER_PAGE - 1) * (long) PAGE)))
        .isEqualTo(new GuestPhysicalAddress(0x700000));
    for (long nowhere : new long[] {0, 4, 5, PER_PAGE, 3 * PER_PAGE, 1L << 39}) {
      assertThatThrownBy(() -> map.machineAddress(new GuestPhysicalAddress(nowhere * PAGE)))
          .isInstanceOf(MemoryFaultException.class);
    }
  }

  @Test
  void guestThatHasNotToldYetIsBooting() {
    word(FakeXen.SHARED_INFO, 3112 / 8, 0);
    assertThatThrownBy(() -> map.frames(PAGES))
        .isInstanceOf(MemoryFaultException.class)
        .hasMessageContaining("still booting");
  }

  @Test
  void absurdLengthIsRefused() {
    for (long length : new long[] {-1, Long.MAX_VALUE, 1L << 30}) {
      word(FakeXen.SHARED_INFO, 3088 / 8, length);
      assertThatThrownBy(() -> map.frames(PAGES))
          .isInstanceOf(MemoryFaultException.class)
          .hasMessageContaining("absurd length");
    }
    word(FakeXen.SHARED_INFO, 3088 / 8, 1 << 20); // more than is mapped
    assertThat(map.frames(PAGES)).containsExactly(0x500, 0x501, 0x700);
  }

  @Test
  void whateverTheGuestSaysEndsInFramesOrInATypedError() {
    Random random = new Random(7);
    long[] frames = {FakeXen.SHARED_INFO, ROOT, 0x1001, 0x1002, 0x1003, 0x2000};
    for (int round = 0; round < 300; round++) {
      xen.pages.clear();
      lay();
      for (int i = 0; i <= random.nextInt(4); i++) {
        long frame = frames[random.nextInt(frames.length)];
        int index =
            frame == FakeXen.SHARED_INFO ? 386 + random.nextInt(5) : random.nextInt(PER_PAGE);
        word(frame, index, random.nextLong() >>> random.nextInt(64));
      }
      try {
        assertThat(map.frames(PAGES)).isSorted().doesNotHaveDuplicates();
        map.machineAddress(new GuestPhysicalAddress(0x2000));
      } catch (MemoryFaultException | AddressOutOfRangeException e) {
        assertThat(e).hasMessageMatching(".+");
      }
    }
  }
}
