package org.lucos.tests.bridge;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.lucos.bridge.addr.GuestPhysicalAddress;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.bridge.domain.GuestDomain;
import org.lucos.bridge.domain.GuestHost;
import org.lucos.bridge.memory.GuestMemory;
import org.lucos.bridge.memory.MemoryFaultException;
import org.lucos.bridge.mmu.PageWalker;
import org.lucos.bridge.mmu.Translation;
import org.lucos.tests.guest.Contract;
import org.lucos.tests.guest.Guest;
import org.lucos.tests.guest.Place;
import org.lucos.tests.guest.TestGuest;

/** Reading and translating, under every hypervisor. */
@Contract
class ReadContractTest {
  @Test
  @Tag(Contract.CORE)
  void runningKernelsMemoryIsReadByItsAddresses(@Guest(vcpus = 2) TestGuest guest) {
    try (GuestHost host = Place.current().open();
        GuestDomain domain = host.attach(guest.name())) {
      LinuxView.find(domain).assertBannerOf(guest);
    }
  }

  @Test
  void rightsOfPagesAreSeen(@Guest(vcpus = 2) TestGuest guest) {
    try (GuestHost host = Place.current().open();
        GuestDomain domain = host.attach(guest.name())) {
      LinuxView linux = LinuxView.find(domain);
      PageWalker walker = new PageWalker(domain.memory(), linux.root());
      boolean ringOfPrograms = domain.facts().accelerator().equals("pv");
      assertThat(walker.translate(LinuxView.kallsyms(guest, "schedule")).orElseThrow())
          .returns(false, Translation::noExecute)
          .returns(false, Translation::writable)
          .returns(ringOfPrograms, Translation::user);
      assertThat(walker.translate(linux.symbol("init_uts_ns")).orElseThrow())
          .returns(true, Translation::noExecute)
          .returns(true, Translation::writable);
      assertThat(walker.translate(new GuestVirtualAddress(0))).isEmpty();
      assertThat(walker.translate(new GuestVirtualAddress(-1))).isEmpty();
    }
  }

  @Test
  @Tag(Contract.CORE)
  void vectoredReadsAreAsSingleOnes(@Guest(vcpus = 2) TestGuest guest) {
    try (GuestHost host = Place.current().open();
        GuestDomain domain = host.attach(guest.name())) {
      LinuxView linux = LinuxView.find(domain);
      GuestVirtualAddress start = LinuxView.kallsyms(guest, "_stext");
      long size = LinuxView.kallsyms(guest, "_etext").minus(start);
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
  void whatIsNotMappedOrNoRamFaults(@Guest(vcpus = 2) TestGuest guest) {
    try (GuestHost host = Place.current().open();
        GuestDomain domain = host.attach(guest.name())) {
      LinuxView linux = LinuxView.find(domain);
      assertThatThrownBy(() -> linux.memory().u64(new GuestVirtualAddress(8)))
          .isInstanceOf(MemoryFaultException.class);
      // the local APIC's registers
      assertThatThrownBy(
              () -> domain.memory().read(new GuestPhysicalAddress(0xfee00000L), new byte[4], 0, 4))
          .isInstanceOf(MemoryFaultException.class);
    }
  }
}
