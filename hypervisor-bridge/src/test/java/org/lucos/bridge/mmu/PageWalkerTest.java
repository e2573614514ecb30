package org.lucos.bridge.mmu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.lucos.bridge.mmu.PageTables.LARGE;
import static org.lucos.bridge.mmu.PageTables.NX;
import static org.lucos.bridge.mmu.PageTables.PRESENT;
import static org.lucos.bridge.mmu.PageTables.USER;
import static org.lucos.bridge.mmu.PageTables.WRITE;

import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.lucos.bridge.addr.GuestPhysicalAddress;
import org.lucos.bridge.addr.GuestVirtualAddress;

class PageWalkerTest {
  private static final long KERNEL = 0xffff_ffff_8100_0000L;
  private static final long PAT = 1L << 12;

  private final ArrayMemory memory = new ArrayMemory(1 << 20);

  private Optional<Translation> walk(PageTables tables, long virtual) {
    return new PageWalker(memory, tables.root).translate(new GuestVirtualAddress(virtual));
  }

  @ParameterizedTest
  @ValueSource(ints = {4, 5})
  void smallPageIsFoundWithItsOffset(int levels) {
    PageTables tables = new PageTables(memory, levels);
    tables.map(KERNEL + 0x5000, 1, 0x42000 | PRESENT | WRITE);
    assertThat(walk(tables, KERNEL + 0x5abc))
        .contains(new Translation(new GuestPhysicalAddress(0x42abc), 0x1000, true, false, false));
  }

  @ParameterizedTest
  @ValueSource(ints = {4, 5})
  void twoMegabytePageIgnoresPat(int levels) {
    PageTables tables = new PageTables(memory, levels);
    tables.map(KERNEL, 2, 0x4000_0000L | PAT | LARGE | PRESENT | NX);
    assertThat(walk(tables, KERNEL + 0x12_3456))
        .contains(
            new Translation(new GuestPhysicalAddress(0x4012_3456L), 0x20_0000, false, false, true));
  }

  @Test
  void gigabytePageIsFound() {
    PageTables tables = new PageTables(memory, 4);
    long direct = 0xffff_8880_0000_0000L;
    tables.map(direct, 3, 0x1_4000_0000L | LARGE | PRESENT | WRITE);
    assertThat(walk(tables, direct + 0x3fff_ffff))
        .map(Translation::address)
        .contains(new GuestPhysicalAddress(0x1_7fff_ffffL));
    assertThat(walk(tables, direct).orElseThrow().pageSize()).isEqualTo(1L << 30);
  }

  @Test
  void smallPageHasPatInAnotherBitThanAddress() {
    PageTables tables = new PageTables(memory, 4);
    tables.map(KERNEL, 1, 0x42000 | LARGE | PRESENT); // bit 7 is PAT in the lowest level
    assertThat(walk(tables, KERNEL)).map(Translation::pageSize).contains(0x1000L);
  }

  @Test
  void rightsAreThoseOfAllLevels() {
    PageTables tables = new PageTables(memory, 4);
    tables.map(0x40_0000, 1, 0x42000 | PRESENT | WRITE | USER);
    assertThat(walk(tables, 0x40_0000).orElseThrow())
        .returns(true, Translation::user)
        .returns(true, Translation::writable)
        .returns(false, Translation::noExecute);
    long upper = tables.slot(0x40_0000, 3);
    long entry = 0x12000 | PRESENT | NX;
    memory.put64(upper, entry);
    assertThat(walk(tables, 0x40_0000).orElseThrow())
        .returns(false, Translation::user)
        .returns(false, Translation::writable)
        .returns(true, Translation::noExecute);
  }

  @Test
  void reservedBitsInLargePageMakeItUnmapped() {
    PageTables tables = new PageTables(memory, 4);
    tables.map(KERNEL, 2, 0x4000_0000L | (1 << 13) | LARGE | PRESENT);
    assertThat(walk(tables, KERNEL)).isEmpty();
  }

  @Test
  void largePageAboveLevelThreeIsUnmapped() {
    PageTables tables = new PageTables(memory, 4);
    tables.map(KERNEL, 4, 0x4000_0000L | LARGE | PRESENT);
    assertThat(walk(tables, KERNEL)).isEmpty();
  }

  @Test
  void absentEntryIsUnmappedWhateverElseItHolds() {
    PageTables tables = new PageTables(memory, 4);
    tables.map(KERNEL, 1, -2L);
    assertThat(walk(tables, KERNEL)).isEmpty();
    assertThat(walk(tables, KERNEL + 0x4000_0000)).isEmpty();
  }

  @Test
  void addressNotCanonicalIsUnmapped() {
    PageTables four = new PageTables(memory, 4);
    four.map(0x1000, 1, 0x42000 | PRESENT);
    assertThat(walk(four, 0x1000)).isPresent();
    assertThat(walk(four, 0x1_0000_0000_1000L)).isEmpty();
    assertThat(walk(four, 0x8000_0000_1000L)).isEmpty();
    assertThat(walk(four, 0xffff_0000_0000_1000L)).isEmpty();
  }

  @Test
  void fiveLevelsReachFurtherThanFour() {
    PageTables five = new PageTables(memory, 5);
    five.map(0xff11_0000_0000_0000L, 1, 0x42000 | PRESENT);
    assertThat(walk(five, 0xff11_0000_0000_0010L))
        .map(Translation::address)
        .contains(new GuestPhysicalAddress(0x42010));
    assertThat(walk(five, 0xfe11_0000_0000_0000L)).isEmpty();
  }

  @Test
  void encryptionBitIsMaskedOut() {
    long bit = 1L << 47;
    PageTables tables = new PageTables(memory, 4);
    tables.map(KERNEL, 1, 0x42000 | bit | PRESENT);
    PagingRoot root = new PagingRoot(tables.root.table(), 4, PagingRoot.ALL_ADDRESS_BITS & ~bit);
    assertThat(new PageWalker(memory, root).translate(new GuestVirtualAddress(KERNEL)))
        .map(Translation::address)
        .contains(new GuestPhysicalAddress(0x42000));
  }

  @Test
  void tableThatMapsItselfEndsTheWalk() {
    PageTables tables = new PageTables(memory, 4);
    long table = tables.root.table().value();
    for (int index = 0; index < 512; index++) {
      memory.put64(table + 8L * index, table | PRESENT);
    }
    assertThat(walk(tables, KERNEL)).map(Translation::address).isPresent();
  }

  @Test
  void tableOutsideRamIsUnmapped() {
    PageTables tables = new PageTables(memory, 4);
    tables.map(KERNEL, 3, 0x7fff_f000L | PRESENT);
    assertThat(walk(tables, KERNEL)).isEmpty();
  }

  @Test
  void anyTableContentsGiveAnAnswer() {
    Random random = new Random(20260101);
    for (int round = 0; round < 200; round++) {
      byte[] noise = new byte[0x8000];
      random.nextBytes(noise);
      memory.put(0, noise);
      for (int at = 0; at < noise.length; at += 8) {
        if (random.nextBoolean()) {
          memory.put64(at, (random.nextLong() & 0x8000_0000_0000_0fffL) | (at & 0x7000) | 1);
        }
      }
      PageWalker walker =
          new PageWalker(
              memory,
              new PagingRoot(
                  new GuestPhysicalAddress(0x1000), 4 + round % 2, PagingRoot.ALL_ADDRESS_BITS));
      for (int i = 0; i < 50; i++) {
        assertThat(walker.translate(new GuestVirtualAddress(random.nextLong()))).isNotNull();
        assertThat(walker.translate(new GuestVirtualAddress(random.nextLong() >> 20))).isNotNull();
      }
    }
  }

  @Test
  void rootRefusesNonsense() {
    GuestPhysicalAddress table = new GuestPhysicalAddress(0);
    assertThatThrownBy(() -> new PagingRoot(table, 3, PagingRoot.ALL_ADDRESS_BITS))
        .hasMessageContaining("levels=3");
    assertThatThrownBy(() -> new PagingRoot(table, 4, -1)).hasMessageContaining("addressMask");
  }
}
