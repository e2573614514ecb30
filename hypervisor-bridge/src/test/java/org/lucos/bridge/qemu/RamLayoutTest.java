package org.lucos.bridge.qemu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Random;
import org.junit.jupiter.api.Test;
import org.lucos.bridge.addr.GuestPhysicalAddress;
import org.lucos.bridge.domain.DomainRefusedException;
import org.lucos.bridge.memory.MemoryRegion;

class RamLayoutTest {
  /** A guest with 6 GiB, a hot-plugged DIMM and graphics; shortened. */
  private static final String TREE =
      """
      FlatView #0
       AS "I/O", root: io
       Root memory region: io
        0000000000000000-0000000000000007 (prio 0, i/o): dma-chan

      FlatView #1
       AS "cpu-smm-0", root: memory
       Root memory region: memory
        0000000000000000-00000000bfffffff (prio 0, ram): pc.ram

      FlatView #2
       AS "memory", root: system
       AS "cpu-memory-0", root: system
       Root memory region: system
        0000000000000000-00000000000bffff (prio 0, ram): pc.ram KVM
        00000000000c0000-00000000000dffff (prio 1, rom): pc.rom KVM
        0000000000100000-00000000bfffffff (prio 0, ram): pc.ram @0000000000100000 KVM
        00000000fd000000-00000000fdffffff (prio 1, ram): vga.vram KVM
        00000000fec00000-00000000fec00fff (prio 0, i/o): kvm-ioapic
        00000000fffc0000-00000000ffffffff (prio 0, romd): system.flash0
        0000000100000000-00000001bfffffff (prio 0, ram): pc.ram @00000000c0000000 KVM
        0000000200000000-000000023fffffff (prio -1, nv-ram): memdimm0
        0000380000000000-0000380000003fff (prio 1, ramd): vfio bar

      FlatView #3
       AS "piix3-ide", root: bus master container
       Root memory region: (none)
        0000000000000000-00000000000bffff (prio 0, ram): other
      """;

  @Test
  void onlyRamOfTheSystemAddressSpaceCounts() {
    assertThat(RamLayout.parse(TREE))
        .containsExactly(
            region(0, 0xc0000),
            region(0x100000, 0xbff00000L),
            region(0xfd000000L, 0x1000000),
            region(0x100000000L, 0xc0000000L),
            region(0x200000000L, 0x40000000));
  }

  private static MemoryRegion region(long start, long size) {
    return new MemoryRegion(new GuestPhysicalAddress(start), size);
  }

  @Test
  void treeWithoutTheAddressSpaceIsRefused() {
    assertThatThrownBy(() -> RamLayout.parse("FlatView #0\n AS \"I/O\", root: io\n"))
        .isInstanceOf(DomainRefusedException.class)
        .hasMessageContaining("no RAM");
  }

  @Test
  void overlapsAndNonsenseAreRefused() {
    String head = "FlatView #0\n AS \"memory\", root: system\n";
    assertThatThrownBy(
            () ->
                RamLayout.parse(
                    head + "  0000-1fff (prio 0, ram): a\n" + "  1000-2fff (prio 0, ram): b\n"))
        .isInstanceOf(DomainRefusedException.class)
        .hasMessageContaining("overlap");
    assertThatThrownBy(() -> RamLayout.parse(head + "  2000-1000 (prio 0, ram): a\n"))
        .isInstanceOf(DomainRefusedException.class);
    assertThatThrownBy(() -> RamLayout.parse(head + "  0000-ffffffffffffffff (prio 0, ram): a\n"))
        .isInstanceOf(DomainRefusedException.class);
  }

  @Test
  void anyTextIsParsedOrRefused() {
    Random random = new Random(4);
    for (int round = 0; round < 3000; round++) {
      StringBuilder text = new StringBuilder(TREE);
      for (int i = random.nextInt(8); i >= 0; i--) {
        int at = random.nextInt(text.length());
        if (random.nextBoolean()) {
          text.setCharAt(at, "0f- \nm,(".charAt(random.nextInt(8)));
        } else {
          text.delete(at, Math.min(text.length(), at + random.nextInt(40)));
        }
      }
      try {
        assertThat(RamLayout.parse(text.toString())).isNotEmpty();
      } catch (DomainRefusedException e) {
        assertThat(e).hasMessageContaining("info mtree -f");
      }
    }
  }
}
