package org.lucos.patcher.kernel;

import java.util.Optional;
import java.util.UUID;

/**
 * Which kernel runs, and which of its boots this is.
 *
 * @param release as {@code uname -r} prints it
 * @param buildId the GNU build-id of vmlinux in lower-case hexadecimal: equal for equal code
 * @param slide how far KASLR moved it from its link address, in bytes
 * @param boot a digest of what differs from boot to boot (see {@link BootFingerprint}): 32
 *     hexadecimal digits, equal as long as the guest has not rebooted, over migration and snapshots
 *     too
 * @param bootId {@code /proc/sys/kernel/random/boot_id}; the guest makes it up when it is first
 *     asked for, so it may appear while the guest runs
 */
public record KernelIdentity(
    String release, String buildId, long slide, String boot, Optional<UUID> bootId) {

  /** Whether both are the same boot of the same kernel. */
  public boolean sameBoot(KernelIdentity other) {
    return buildId.equals(other.buildId) && boot.equals(other.boot);
  }
}
