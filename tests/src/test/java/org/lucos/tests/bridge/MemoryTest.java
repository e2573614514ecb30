package org.lucos.tests.bridge;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.lucos.bridge.addr.GuestPhysicalAddress;
import org.lucos.bridge.domain.GuestDomain;
import org.lucos.bridge.domain.PausedGuest;
import org.lucos.bridge.libvirt.Hypervisor;
import org.lucos.bridge.memory.MemoryRegion;
import org.lucos.tests.guest.Guest;
import org.lucos.tests.guest.GuestSpec;
import org.lucos.tests.guest.TestGuest;
import org.lucos.tests.guest.Virsh;

class MemoryTest {

  @Test
  void pageTablesOfFourAndFiveLevelsAreWalked() {
    GuestSpec four = GuestSpec.cloud("6.1").withCommandLine("no5lvl");
    try (TestGuest guest = TestGuest.boot(four);
        Hypervisor hypervisor = Hypervisor.open(Virsh.URI);
        GuestDomain domain = hypervisor.attach(guest.name())) {
      LinuxView linux = LinuxView.find(domain);
      assertThat(linux.root().levels()).isEqualTo(4);
      linux.assertBannerOf(guest);
    }
    // mode 'maximum' of the CPU has five
    try (TestGuest guest = TestGuest.boot(GuestSpec.cloud("6.12"));
        Hypervisor hypervisor = Hypervisor.open(Virsh.URI);
        GuestDomain domain = hypervisor.attach(guest.name())) {
      LinuxView linux = LinuxView.find(domain);
      assertThat(linux.root().levels()).isEqualTo(5);
      linux.assertBannerOf(guest);
    }
  }

  @Test
  void everyRegionOfALargeGuestIsWhereQemuHasIt() {
    try (TestGuest guest = TestGuest.boot(GuestSpec.cloud("6.1").withMemoryMib(4096));
        Hypervisor hypervisor = Hypervisor.open(Virsh.URI);
        GuestDomain domain = hypervisor.attach(guest.name());
        PausedGuest held = domain.pause("compare")) {
      assertThat(held.pausedBefore()).isFalse();
      List<MemoryRegion> regions = domain.memory().regions();
      assertThat(regions.get(regions.size() - 1).start().value()).isEqualTo(1L << 32);
      for (MemoryRegion region : regions) {
        for (long offset : new long[] {0, (region.size() / 2) & -4096, region.size() - 16}) {
          GuestPhysicalAddress at = region.start().plus(offset);
          byte[] read = new byte[8];
          domain.memory().read(at, read, 0, read.length);
          StringBuilder shown = new StringBuilder();
          for (byte octet : read) {
            shown.append(String.format(" 0x%02x", octet));
          }
          assertThat(Virsh.hmp(guest.name(), "xp /8xb 0x" + Long.toHexString(at.value())))
              .endsWith(":" + shown);
        }
      }
    }
  }

  @Test
  void memoryTheGuestDoesNotKnowOfIsWrittenWithoutAPause(@Guest(vcpus = 2) TestGuest guest) {
    try (Hypervisor hypervisor = Hypervisor.open(Virsh.URI);
        GuestDomain domain = hypervisor.attach(guest.name())) {
      GuestPhysicalAddress spare = LinuxView.find(domain).spare();
      byte[] before = new byte[16];
      domain.memory().read(spare, before, 0, before.length);
      byte[] bytes = new byte[16];
      new Random(10).nextBytes(bytes);
      domain.writeUnreachable(spare, bytes);
      byte[] read = new byte[bytes.length];
      domain.memory().read(spare, read, 0, read.length);
      assertThat(read).isEqualTo(bytes);
      // QEMU itself sees the same
      assertThat(Virsh.hmp(guest.name(), "xp /1xb 0x" + Long.toHexString(spare.value())))
          .endsWith(String.format("0x%02x", bytes[0]));
      domain.writeUnreachable(spare, before);
      assertThat(domain.pauses().entries()).isEmpty();
    }
  }
}
