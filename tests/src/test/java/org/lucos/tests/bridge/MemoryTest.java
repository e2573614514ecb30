package org.lucos.tests.bridge;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.lucos.bridge.addr.GuestPhysicalAddress;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.bridge.domain.GuestDomain;
import org.lucos.bridge.domain.PausedGuest;
import org.lucos.bridge.libvirt.Hypervisor;
import org.lucos.bridge.memory.GuestMemory;
import org.lucos.bridge.memory.MemoryFaultException;
import org.lucos.bridge.memory.MemoryRegion;
import org.lucos.bridge.mmu.PageWalker;
import org.lucos.bridge.mmu.Translation;
import org.lucos.tests.guest.Guest;
import org.lucos.tests.guest.GuestSpec;
import org.lucos.tests.guest.TestGuest;

class MemoryTest {

  @Test
  void runningKernelsMemoryIsReadByItsAddresses(@Guest(vcpus = 2) TestGuest guest) {
    try (Hypervisor hypervisor = Hypervisor.open(Virsh.URI);
        GuestDomain domain = hypervisor.attach(guest.name())) {
      checkBanner(guest, LinuxView.find(domain));
    }
  }

  @Test
  void pageTablesOfFourAndFiveLevelsAreWalked() {
    GuestSpec four = GuestSpec.cloud("6.1").withCommandLine("no5lvl");
    try (TestGuest guest = TestGuest.boot(four);
        Hypervisor hypervisor = Hypervisor.open(Virsh.URI);
        GuestDomain domain = hypervisor.attach(guest.name())) {
      LinuxView linux = LinuxView.find(domain);
      assertThat(linux.root().levels()).isEqualTo(4);
      checkBanner(guest, linux);
    }
    // mode 'maximum' of the CPU has five
    try (TestGuest guest = TestGuest.boot(GuestSpec.cloud("6.12"));
        Hypervisor hypervisor = Hypervisor.open(Virsh.URI);
        GuestDomain domain = hypervisor.attach(guest.name())) {
      LinuxView linux = LinuxView.find(domain);
      assertThat(linux.root().levels()).isEqualTo(5);
      checkBanner(guest, linux);
    }
  }

  private static GuestVirtualAddress kallsyms(TestGuest guest, String symbol) {
    String line = guest.run("grep ' " + symbol + "$' /proc/kallsyms");
    return new GuestVirtualAddress(Long.parseUnsignedLong(line.substring(0, 16), 16));
  }

  private static void checkBanner(TestGuest guest, LinuxView linux) {
    assertThat(linux.fact("OSRELEASE")).isEqualTo(guest.release());
    assertThat(linux.memory().cString(kallsyms(guest, "linux_banner"), 4096).strip())
        .isEqualTo(guest.run("cat /proc/version"));
  }

  @Test
  void rightsOfPagesAreSeen(@Guest(vcpus = 2) TestGuest guest) {
    try (Hypervisor hypervisor = Hypervisor.open(Virsh.URI);
        GuestDomain domain = hypervisor.attach(guest.name())) {
      LinuxView linux = LinuxView.find(domain);
      PageWalker walker = new PageWalker(domain.memory(), linux.root());
      assertThat(walker.translate(kallsyms(guest, "schedule")).orElseThrow())
          .returns(false, Translation::noExecute)
          .returns(false, Translation::writable)
          .returns(false, Translation::user);
      assertThat(walker.translate(linux.symbol("init_uts_ns")).orElseThrow())
          .returns(true, Translation::noExecute)
          .returns(true, Translation::writable);
      assertThat(walker.translate(new GuestVirtualAddress(0))).isEmpty();
      assertThat(walker.translate(new GuestVirtualAddress(-1))).isEmpty();
    }
  }

  @Test
  void vectoredReadsAreAsSingleOnes(@Guest(vcpus = 2) TestGuest guest) {
    try (Hypervisor hypervisor = Hypervisor.open(Virsh.URI);
        GuestDomain domain = hypervisor.attach(guest.name())) {
      LinuxView linux = LinuxView.find(domain);
      GuestVirtualAddress start = kallsyms(guest, "_stext");
      long size = kallsyms(guest, "_etext").minus(start);
      Random random = new Random(9);
      List<GuestMemory.Slice> slices = new ArrayList<>();
      for (int i = 0; i < 5000; i++) {
        int length = 1 + random.nextInt(6000);
        long offset = (long) (random.nextDouble() * (size - length));
        slices.add(new GuestMemory.Slice(start.plus(offset), new byte[length], 0, length));
      }
      linux.memory().readAll(slices);
      for (GuestMemory.Slice slice : slices) {
        assertThat(slice.into()).isEqualTo(linux.memory().bytes(slice.at(), slice.length()));
      }
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
  void whatIsNotMappedOrNoRamFaults(@Guest(vcpus = 2) TestGuest guest) {
    try (Hypervisor hypervisor = Hypervisor.open(Virsh.URI);
        GuestDomain domain = hypervisor.attach(guest.name())) {
      LinuxView linux = LinuxView.find(domain);
      assertThatThrownBy(() -> linux.memory().u64(new GuestVirtualAddress(8)))
          .isInstanceOf(MemoryFaultException.class);
      // the local APIC's registers
      assertThatThrownBy(
              () -> domain.memory().read(new GuestPhysicalAddress(0xfee00000L), new byte[4], 0, 4))
          .isInstanceOf(MemoryFaultException.class);
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
