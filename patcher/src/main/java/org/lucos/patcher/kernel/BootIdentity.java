package org.lucos.patcher.kernel;

import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import org.lucos.bridge.addr.AddressOutOfRangeException;
import org.lucos.bridge.memory.MemoryFaultException;
import org.lucos.bridge.memory.MemoryRegion;
import org.lucos.bridge.memory.PhysicalMemory;
import org.lucos.bridge.vcpu.VcpuRegisters;
import org.lucos.patcher.bytes.MalformedDataException;
import org.lucos.patcher.refusal.GuestRefusal;
import org.lucos.patcher.refusal.RefusedException;

/**
 * Whether a guest still is in the boot in which it was attached. QEMU stays the same process when
 * its guest reboots, and memory is where it was: only what is in it tells. Every pause asks this
 * before it writes.
 */
public final class BootIdentity {
  /** So often in a row the kernel must not be found before it is said to be gone. */
  private static final int LOOKS = 3;

  private final RunningKernel kernel;
  private final BootFingerprint fingerprint;
  private final String boot;
  private List<VcpuRegisters> lastSeen = List.of();

  BootIdentity(RunningKernel kernel, BootFingerprint fingerprint, String boot) {
    this.kernel = kernel;
    this.fingerprint = fingerprint;
    this.boot = boot;
  }

  /** The boot in which the guest was attached, as in {@link KernelIdentity#boot}. */
  public String id() {
    return boot;
  }

  /**
   * What has become of that boot, in a few words; empty if the guest still is in it. That its
   * kernel cannot be read is no proof that it is gone, unless that stays so while other memory of
   * the guest can be read.
   *
   * @throws MemoryFaultException if the guest's memory cannot be read at all
   */
  public Optional<String> whyGone() {
    kernel.memory().forgetTranslations();
    return freshly();
  }

  private Optional<String> freshly() {
    for (int look = 1; ; look++) {
      try {
        return fingerprint.whyNot(boot);
      } catch (MalformedDataException | MemoryFaultException | AddressOutOfRangeException e) {
        kernel.memory().forgetTranslations();
        if (look == LOOKS) {
          requireReadable();
          return Optional.of("its kernel is not where it was (" + e.getMessage() + ")");
        }
      }
    }
  }

  /** Reads a byte of each piece of memory: what fails is then not for the kernel's tables. */
  private void requireReadable() {
    PhysicalMemory memory = kernel.domain().memory();
    for (MemoryRegion region : memory.regions()) {
      memory.read(region.start(), new byte[1], 0, 1);
    }
  }

  /**
   * To be asked without a pause, between steps: a guest that reboots right behind it is noticed in
   * the next pause.
   *
   * @throws RefusedException with {@link GuestRefusal.GuestRebooted} if the guest has left the boot
   * @throws MemoryFaultException if that cannot be told
   */
  public void require() {
    whyGone().ifPresent(this::refuse);
  }

  /**
   * To be asked in a pause, before the first write.
   *
   * @param registers gets those of all vCPUs, once memory has been looked at, since they may still
   *     be on their way: after a hard reset, memory looks alive until it is used again, but they no
   *     longer run in it
   * @return these
   * @throws RefusedException with {@link GuestRefusal.GuestRebooted}, or with {@link
   *     GuestRefusal.KernelNotRunning} if no pause before this one has seen the kernel run
   */
  public List<VcpuRegisters> require(Supplier<List<VcpuRegisters>> registers) {
    requireMemory();
    List<VcpuRegisters> vcpus = registers.get();
    requireRunBy(vcpus);
    return vcpus;
  }

  /** The first half of {@link #require(Supplier)}: what memory says. */
  public void requireMemory() {
    freshly().ifPresent(this::refuse); // every pause begins with fresh translations
  }

  /** The second half of {@link #require(Supplier)}: what the registers of all vCPUs say. */
  public void requireRunBy(Collection<VcpuRegisters> vcpus) {
    if (kernel.isRunBy(vcpus)) {
      lastSeen = List.copyOf(vcpus);
    } else if (!lastSeen.isEmpty()) {
      refuse("its CPUs no longer run that kernel");
    } else {
      throw new RefusedException(new GuestRefusal.KernelNotRunning(name()));
    }
  }

  /** What the vCPUs' registers were when the kernel was last seen to run; for rehearsals. */
  public List<VcpuRegisters> lastSeen() {
    return lastSeen;
  }

  private void refuse(String detail) {
    throw new RefusedException(new GuestRefusal.GuestRebooted(name(), detail));
  }

  private String name() {
    return kernel.domain().identity().name();
  }
}
