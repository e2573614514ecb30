package org.lucos.patcher.kernel;

import java.util.Collection;
import java.util.Optional;
import org.lucos.bridge.vcpu.VcpuRegisters;
import org.lucos.patcher.refusal.GuestRefusal;
import org.lucos.patcher.refusal.RefusedException;

/**
 * Whether a guest still is in the boot in which it was attached. QEMU stays the same process when
 * its guest reboots, and memory is where it was: only what is in it tells. Every pause asks this
 * before it writes.
 */
public final class BootIdentity {
  private final RunningKernel kernel;
  private final BootFingerprint fingerprint;
  private final String boot;
  private boolean seenRunning;

  BootIdentity(RunningKernel kernel, BootFingerprint fingerprint, String boot) {
    this.kernel = kernel;
    this.fingerprint = fingerprint;
    this.boot = boot;
  }

  /** The boot in which the guest was attached, as in {@link KernelIdentity#boot}. */
  public String id() {
    return boot;
  }

  /** What has become of that boot, in a few words; empty if the guest still is in it. */
  public Optional<String> whyGone() {
    kernel.memory().forgetTranslations();
    return fingerprint.whyNot(boot);
  }

  /**
   * To be asked without a pause, between steps: a guest that reboots right behind it is noticed in
   * the next pause.
   *
   * @throws RefusedException with {@link GuestRefusal.GuestRebooted} if the guest has left the boot
   */
  public void require() {
    whyGone().ifPresent(this::refuse);
  }

  /**
   * To be asked in a pause, before the first write.
   *
   * @param vcpus the registers of all vCPUs: after a hard reset, memory looks alive until it is
   *     used again, but they no longer run in it
   * @throws RefusedException with {@link GuestRefusal.GuestRebooted}, or with {@link
   *     GuestRefusal.KernelNotRunning} if no pause before this one has seen the kernel run
   */
  public void require(Collection<VcpuRegisters> vcpus) {
    require();
    if (kernel.isRunBy(vcpus)) {
      seenRunning = true;
    } else if (seenRunning) {
      refuse("its CPUs no longer run that kernel");
    } else {
      throw new RefusedException(new GuestRefusal.KernelNotRunning(name()));
    }
  }

  private void refuse(String detail) {
    throw new RefusedException(new GuestRefusal.GuestRebooted(name(), detail));
  }

  private String name() {
    return kernel.domain().identity().name();
  }
}
