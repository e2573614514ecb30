package org.lucos.bridge.mmu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;
import static org.lucos.bridge.mmu.PageTables.PRESENT;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.lucos.bridge.addr.GuestPhysicalAddress;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.bridge.memory.GuestMemory;
import org.lucos.bridge.memory.MemoryFaultException;
import org.lucos.bridge.memory.Recollection;

class VirtualMemoryTest {
  private static final long BASE = 0xffff_c900_0000_0000L;

  private final ArrayMemory memory = new ArrayMemory(1 << 20);
  private final PageTables tables = new PageTables(memory, 4);
  private final AtomicLong clock = new AtomicLong();
  private final VirtualMemory virtual = new VirtualMemory(memory, tables.root, clock::get);

  @BeforeEach
  void mapFourPages() {
    // Two neighbours in physical memory, then one elsewhere; the fourth is not mapped.
    tables.map(BASE, 1, 0x80000 | PRESENT);
    tables.map(BASE + 0x1000, 1, 0x81000 | PRESENT);
    tables.map(BASE + 0x2000, 1, 0x90000 | PRESENT);
    for (int i = 0; i < 0x1000; i++) {
      memory.put(0x80000 + i, (byte) 1);
      memory.put(0x81000 + i, (byte) 2);
      memory.put(0x90000 + i, (byte) 3);
    }
    memory.reads.clear();
  }

  private static GuestVirtualAddress at(long offset) {
    return new GuestVirtualAddress(BASE + offset);
  }

  @Test
  void readCrossesPagesWhereverTheyLie() {
    byte[] bytes = virtual.bytes(at(0xfff), 0x1002);
    assertThat(bytes[0]).isEqualTo((byte) 1);
    assertThat(bytes[1]).isEqualTo((byte) 2);
    assertThat(bytes[0x1000]).isEqualTo((byte) 2);
    assertThat(bytes[0x1001]).isEqualTo((byte) 3);
  }

  @Test
  void neighbouringPagesAreReadInOnePiece() {
    virtual.bytes(at(0), 0x3000);
    assertThat(memory.reads.get(memory.reads.size() - 1))
        .extracting(slice -> slice.at().value(), slice -> slice.length())
        .containsExactly(tuple(0x80000L, 0x2000), tuple(0x90000L, 0x1000));
  }

  @Test
  void manySlicesCostOneRead() {
    virtual.bytes(at(0), 0x3000);
    memory.reads.clear();
    List<GuestMemory.Slice> slices = new ArrayList<>();
    byte[] into = new byte[300];
    for (int i = 0; i < 300; i++) {
      slices.add(new GuestMemory.Slice(at(i * 40L), into, i, 1));
    }
    virtual.readAll(slices);
    assertThat(memory.reads).hasSize(1);
    assertThat(into[0]).isEqualTo((byte) 1);
    assertThat(into[150]).isEqualTo((byte) 2);
    assertThat(into[299]).isEqualTo((byte) 3);
  }

  @Test
  void tablesAreReadOnceForABurst() {
    virtual.bytes(at(0), 0x3000);
    assertThat(memory.reads).hasSize(4 + 1);
  }

  @Test
  void unmappedPageIsAFaultThatNamesIt() {
    assertThatThrownBy(() -> virtual.bytes(at(0x2ff0), 0x20))
        .isInstanceOf(MemoryFaultException.class)
        .hasMessageContaining("address=0xffffc90000002ff0")
        .hasMessageContaining("size=32")
        .hasMessageContaining("not mapped at 0xffffc90000003000");
  }

  @Test
  void readingNothingReadsNothing() {
    assertThat(virtual.bytes(at(0x7000), 0)).isEmpty();
  }

  @Test
  void endOfTheAddressSpaceIsNotCrossed() {
    assertThatThrownBy(() -> virtual.bytes(new GuestVirtualAddress(-4), 8))
        .isInstanceOf(MemoryFaultException.class);
  }

  @Test
  void translationAgesAway() {
    assertThat(virtual.physical(at(5))).isEqualTo(new GuestPhysicalAddress(0x80005));
    tables.map(BASE, 1, 0x90000 | PRESENT);
    assertThat(virtual.physical(at(5))).isEqualTo(new GuestPhysicalAddress(0x80005));
    clock.addAndGet(VirtualMemory.GREATEST_AGE.toNanos() + 1);
    assertThat(virtual.physical(at(5))).isEqualTo(new GuestPhysicalAddress(0x90005));
  }

  @Test
  void translationDoesNotOutliveAnEpoch() {
    assertThat(virtual.physical(at(0))).isEqualTo(new GuestPhysicalAddress(0x80000));
    tables.map(BASE, 1, 0x90000 | PRESENT);
    memory.epoch++;
    assertThat(virtual.physical(at(0))).isEqualTo(new GuestPhysicalAddress(0x90000));
  }

  @Test
  void tablesThatHaveNotChangedAreConfirmedInOneRead() {
    byte[] before = virtual.bytes(at(0), 0x3000);
    memory.reads.clear();
    memory.epoch++;
    assertThat(virtual.bytes(at(0), 0x3000)).isEqualTo(before);
    assertThat(memory.reads).hasSize(1 + 1);
  }

  @Test
  void onlyTheTableThatHasChangedIsReadOnItsOwn() {
    virtual.bytes(at(0), 0x3000);
    tables.map(BASE, 1, 0x90000 | PRESENT);
    memory.reads.clear();
    memory.epoch++;
    assertThat(virtual.physical(at(0))).isEqualTo(new GuestPhysicalAddress(0x90000));
    assertThat(memory.reads).hasSize(1 + 1);
  }

  @Test
  void translationIsForgottenOnRequest() {
    assertThat(virtual.physical(at(0))).isEqualTo(new GuestPhysicalAddress(0x80000));
    tables.map(BASE, 1, 0x90000 | PRESENT);
    virtual.forgetTranslations();
    assertThat(virtual.physical(at(0))).isEqualTo(new GuestPhysicalAddress(0x90000));
  }

  /** What a list of two entries, the first of which tells where the second is, adds up to. */
  private Recollection<Integer> sum() {
    return virtual.recollect(
        () -> {
          int next = virtual.u8(at(0)) * 0x1000;
          return virtual.u8(at(next)) + virtual.u8(at(next + 1));
        });
  }

  @Test
  void whatIsRecollectedHoldsAsLongAsNothingThatWasReadChanges() {
    Recollection<Integer> sum = sum();
    assertThat(sum.value()).isEqualTo(4);
    assertThat(sum.holds()).isTrue();
    memory.put(0x81002, (byte) 9); // was not read
    assertThat(sum.holds()).isTrue();
    memory.put(0x81001, (byte) 9);
    assertThat(sum.holds()).isFalse();
    memory.put(0x81001, (byte) 2);
    assertThat(sum.holds()).isTrue();
  }

  @Test
  void sameBytesAtAnotherPlaceAreNotTheSame() {
    Recollection<GuestPhysicalAddress> place = virtual.recollect(() -> virtual.physical(at(5)));
    assertThat(place.holds()).isTrue();
    tables.map(BASE, 1, 0xa0000 | PRESENT);
    clock.addAndGet(VirtualMemory.GREATEST_AGE.toNanos() + 1);
    assertThat(place.holds()).isFalse();
  }

  @Test
  void pageThatIsGoneIsNotTheSame() {
    Recollection<Integer> sum = sum();
    tables.map(BASE + 0x1000, 1, 0);
    clock.addAndGet(VirtualMemory.GREATEST_AGE.toNanos() + 1);
    assertThat(sum.holds()).isFalse();
  }

  @Test
  void whatCouldNotBeReadIsNotRecollected() {
    Recollection<Boolean> mapped =
        virtual.recollect(
            () -> {
              try {
                return virtual.u8(at(0x3000)) >= 0;
              } catch (MemoryFaultException e) {
                return false;
              }
            });
    assertThat(mapped.value()).isFalse();
    assertThat(mapped.holds()).isFalse();
  }

  @Test
  void memoryThatChangedWhileItWasReadIsNotRecollected() {
    Recollection<Integer> twice =
        virtual.recollect(
            () -> {
              int before = virtual.u8(at(0));
              memory.put(0x80000, (byte) (before + 1));
              return before + virtual.u8(at(0));
            });
    assertThat(twice.holds()).isFalse();
  }

  @Test
  void workWithinWorkIsRecollectedByBoth() {
    List<Recollection<Integer>> inner = new ArrayList<>();
    Recollection<Integer> outer =
        virtual.recollect(
            () -> {
              inner.add(sum());
              return virtual.u8(at(0x2000));
            });
    assertThat(outer.holds()).isTrue();
    memory.put(0x81001, (byte) 9);
    assertThat(outer.holds()).isFalse();
    assertThat(inner.get(0).holds()).isFalse();
    memory.put(0x81001, (byte) 2);
    memory.put(0x90000, (byte) 9);
    assertThat(outer.holds()).isFalse();
    assertThat(inner.get(0).holds()).isTrue();
  }

  @Test
  void workThatSweepsOverMemoryIsNotRecollected() {
    Recollection<Integer> sweep =
        virtual.recollect(
            () -> {
              int sum = 0;
              for (int i = 0; i < 40; i++) {
                sum += virtual.bytes(at(0), 0x800)[i];
              }
              return sum;
            });
    assertThat(sweep.value()).isEqualTo(40);
    assertThat(sweep.holds()).isFalse();
  }
}
