package org.lucos.patcher.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.lucos.bridge.addr.GuestPhysicalAddress;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.bridge.memory.MemoryFaultException;
import org.lucos.bridge.memory.MemoryRegion;
import org.lucos.bridge.memory.PhysicalMemory;
import org.lucos.bridge.vcpu.VcpuRegisters;
import org.lucos.patcher.bytes.MalformedDataException;
import org.lucos.patcher.refusal.GuestRefusal;
import org.lucos.patcher.refusal.Refusal;
import org.lucos.patcher.refusal.RefusedException;

class RunningKernelTest {
  @TempDir private Path cache;

  private final SyntheticKernel guest = new SyntheticKernel();

  private RunningKernel attach() {
    return RunningKernel.attach(new FakeDomain("guest", guest), cache);
  }

  private void assertNotFound(String detail) {
    assertThatThrownBy(this::attach)
        .isInstanceOfSatisfying(
            RefusedException.class,
            e ->
                assertThat(e.refusal())
                    .isInstanceOf(GuestRefusal.KernelNotFound.class)
                    .extracting(Refusal::message)
                    .asString()
                    .contains(detail));
  }

  @Test
  void aKernelIsFoundColdAndWarmWithTheSameIdentity() throws IOException {
    KernelIdentity cold = attach().identity();
    assertThat(List.of(cacheFile(".kernel"), cacheFile(".hint"))).allMatch(Files::exists);
    RunningKernel warm = attach();

    assertThat(cold.release()).isEqualTo(SyntheticKernel.RELEASE);
    assertThat(cold.buildId()).isEqualTo(SyntheticKernel.BUILD_ID);
    assertThat(cold.slide()).isEqualTo(SyntheticKernel.SLIDE);
    assertThat(cold.boot()).matches("[0-9a-f]{32}");
    assertThat(warm.identity()).isEqualTo(cold);
    assertThat(warm.symbols().address("init_task").value()).isEqualTo(guest.at("init_task"));
    assertThat(warm.types().struct("task_struct").offsetOf("thread_info.cpu")).isEqualTo(8);
    assertThat(warm.text().size()).isEqualTo(128);
  }

  @Test
  void theBootIdIsThereOnceAProgramAskedForIt() {
    assertThat(attach().identity().bootId()).isEmpty();

    guest.write(
        guest.at("sysctl_bootid"),
        new byte[] {1, 2, 3, 4, 5, 6, 0x40, 8, -1, 10, 11, 12, 13, 14, 15, 16});

    assertThat(attach().identity().bootId())
        .contains(UUID.fromString("01020304-0506-4008-ff0a-0b0c0d0e0f10"));
  }

  @Test
  void anotherBootHasAnotherFingerprint() {
    KernelIdentity before = attach().identity();
    assertThat(attach().identity().sameBoot(before)).isTrue();

    guest.put64(guest.at("init_task") + guest.offset("task_struct", "stack_canary"), 42);

    assertThat(attach().identity().sameBoot(before)).isFalse();
    assertThat(attach().identity().buildId()).isEqualTo(before.buildId());
  }

  @Test
  void emptyMemoryHasNoKernel() {
    guest.write(guest.vmcoreInfo(), new byte[16]);

    assertNotFound("no VMCOREINFO in its memory");
  }

  @Test
  void aKernelThatBootsOrHasShutDownIsNotTaken() {
    guest.put32(guest.at("system_state"), 1);
    assertNotFound("still booting");

    guest.put32(guest.at("system_state"), 4);
    assertNotFound("shut down");
  }

  @Test
  void aCopyOfVmcoreinfoIsNotTaken() {
    long copy = guest.allocate(4096, 4096);
    guest.write(copy, guest.bytes(guest.vmcoreInfo(), 4096));
    assertThat(attach().identity().release()).isEqualTo(SyntheticKernel.RELEASE);

    guest.write(guest.vmcoreInfo(), new byte[16]);

    assertNotFound("a copy");
  }

  @Test
  void aTextThatContradictsTheKernelIsNotTaken() {
    guest.text(guest.at("linux_banner"), "Linux version 5.10 (other)");

    assertNotFound("another kernel");
  }

  @Test
  void ofTwoKernelsThatLookAliveTheOneWithTheLaterClockRuns() {
    SyntheticKernel other = new SyntheticKernel(8);
    for (int difference : new int[] {-100, 100}) {
      guest.put64(guest.at("shadow_timekeeper"), 1_000_000);
      other.put64(other.at("shadow_timekeeper"), 1_000_000 + difference);

      RunningKernel kernel =
          RunningKernel.attach(
              new FakeDomain("both", new TwoMemories(guest, other)),
              cache.resolve("for" + difference));

      long page =
          difference > 0 ? other.physical(other.vmcoreInfo()) : guest.physical(guest.vmcoreInfo());
      assertThat(kernel.memory().physical(new GuestVirtualAddress(guest.vmcoreInfo())).value())
          .isEqualTo(page);
    }
  }

  @Test
  void aKernelThatHasHandedOverIsNotTakenForTheNext() {
    SyntheticKernel next = new SyntheticKernel(8);
    RunningKernel.attach(new FakeDomain("kexec", guest), cache);
    guest.put32(guest.at("system_state"), 4);

    RunningKernel kernel =
        RunningKernel.attach(new FakeDomain("kexec", new TwoMemories(guest, next)), cache);

    assertThat(kernel.memory().physical(new GuestVirtualAddress(next.vmcoreInfo())).value())
        .isEqualTo(next.physical(next.vmcoreInfo()));
  }

  /** The RAM of a guest in which two kernels lie. */
  private record TwoMemories(PhysicalMemory low, PhysicalMemory high) implements PhysicalMemory {
    @Override
    public List<MemoryRegion> regions() {
      return List.of(low.regions().get(0), high.regions().get(0));
    }

    @Override
    public void read(GuestPhysicalAddress at, byte[] into, int offset, int length) {
      boolean inLow = low.regions().get(0).covers(at, length);
      (inLow ? low : high).read(at, into, offset, length);
    }
  }

  @Test
  void aDamagedCacheIsRebuilt() throws IOException {
    KernelIdentity cold = attach().identity();
    Path file = cacheFile(".kernel");
    byte[] good = Files.readAllBytes(file);
    Random random = new Random(7);
    for (int round = 0; round < 50; round++) {
      byte[] bad = good.clone();
      bad[random.nextInt(bad.length)] ^= (byte) (1 + random.nextInt(255));
      Files.write(file, bad);

      assertThat(attach().identity()).isEqualTo(cold);
      assertThat(Files.readAllBytes(file)).isEqualTo(good);
    }
    Files.write(file, new byte[0]);
    assertThat(attach().identity()).isEqualTo(cold);
  }

  @Test
  void aCacheThatDoesNotFitTheGuestIsReplaced() throws IOException {
    attach();
    KernelCache stored = new KernelCache(cache, new FakeDomain("guest", guest).identity().uuid());
    KernelCache.Entry good = stored.load(SyntheticKernel.BUILD_ID).orElseThrow();
    SymbolTable.Stored symbols = good.symbols();
    stored.store(
        SyntheticKernel.BUILD_ID,
        new KernelCache.Entry(
            new SymbolTable.Stored(
                symbols.offsets(),
                symbols.signed(),
                symbols.base() + 64,
                symbols.pool(),
                symbols.starts(),
                symbols.index()),
            good.btf(),
            good.types()));

    assertThat(attach().symbols().address("init_task").value()).isEqualTo(guest.at("init_task"));
    assertThat(stored.load(SyntheticKernel.BUILD_ID).orElseThrow().symbols().base())
        .isEqualTo(symbols.base());
    assertThat(stored.load("another")).isEmpty();
  }

  @Test
  void aStaleHintIsReplaced() throws IOException {
    attach();
    Path hint = cacheFile(".hint");
    String good = Files.readString(hint);
    for (String stale : List.of("0", "1000", "123", "fffffffffffff000", "none", "")) {
      Files.writeString(hint, stale);
      assertThat(attach().identity().release()).isEqualTo(SyntheticKernel.RELEASE);
      assertThat(hint).hasContent(good);
    }
  }

  @Test
  void theCacheForgetsTheOldestGuest() throws IOException {
    for (int i = 0; i < 40; i++) {
      RunningKernel.attach(new FakeDomain("guest" + i, guest), cache);
    }
    try (var files = Files.list(cache)) {
      assertThat(files).hasSize(64);
    }
    UUID last = new FakeDomain("guest39", guest).identity().uuid();
    assertThat(new KernelCache(cache, last).load(SyntheticKernel.BUILD_ID)).isPresent();
  }

  @Test
  void anUnwritableCacheIsNoObstacle() throws IOException {
    Path file = Files.createFile(cache.resolve("file"));

    RunningKernel kernel =
        RunningKernel.attach(new FakeDomain("guest", guest), file.resolve("below"));

    assertThat(kernel.identity().release()).isEqualTo(SyntheticKernel.RELEASE);
  }

  @Test
  void theRunningKernelIsToldByThePerCpuAreaOfItsVcpus() {
    GuestVirtualAddress area = attach().perCpu().base(0);
    GuestVirtualAddress other = new GuestVirtualAddress(0xffff_8880_0000_0000L);

    assertThat(attach().isRunBy(List.of(vcpu(other, other), vcpu(area, other)))).isTrue();
    assertThat(attach().isRunBy(List.of(vcpu(other, area)))).isTrue();
    assertThat(attach().isRunBy(List.of(vcpu(other, other)))).isFalse();
  }

  private static VcpuRegisters vcpu(GuestVirtualAddress gs, GuestVirtualAddress kernelGs) {
    GuestVirtualAddress none = new GuestVirtualAddress(0);
    return new VcpuRegisters(0, none, none, 0, 0x10, gs, kernelGs, 0, List.of());
  }

  @Test
  void damagedGuestMemoryGivesAValueOrATypedException() {
    int used = (int) (guest.vmcoreInfo() + 4096 - SyntheticKernel.START);
    byte[] good = guest.bytes(SyntheticKernel.START, used);
    guest.addModule("victim");
    Random random = new Random(11);
    for (int round = 0; round < 2000; round++) {
      for (int i = 0; i < 20; i++) {
        long at = SyntheticKernel.START + (random.nextInt(used - 8) & -8);
        guest.put64(
            at,
            random.nextBoolean()
                ? random.nextLong()
                : SyntheticKernel.START + random.nextInt(used));
      }
      try {
        RunningKernel kernel =
            RunningKernel.attach(
                new FakeDomain("fuzzed", guest), cache.resolve("fuzz" + round % 2));
        kernel.tasks().all();
        kernel.modules().forEach(LoadedModule::symbols);
      } catch (RefusedException | MalformedDataException | MemoryFaultException e) {
        // what is wanted of memory that makes no sense
      }
      guest.write(SyntheticKernel.START, good);
    }
    assertThat(guest.regions()).extracting(MemoryRegion::size).containsExactly(4L << 20);
  }

  private Path cacheFile(String ending) throws IOException {
    try (var files = Files.list(cache)) {
      return files.filter(file -> file.toString().endsWith(ending)).findFirst().orElseThrow();
    }
  }
}
