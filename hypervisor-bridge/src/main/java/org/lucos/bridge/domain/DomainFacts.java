package org.lucos.bridge.domain;

import java.util.OptionalLong;
import java.util.Set;

/**
 * How a guest is run.
 *
 * @param hypervisor such as {@code QEMU 7.2.22} or {@code Xen 4.17.5}
 * @param accelerator such as {@code kvm}, {@code tcg}, {@code pvh}
 * @param vcpus online vCPUs
 * @param memoryBytes RAM in bytes
 * @param processId the process on this host that the guest runs in, if it is one
 * @param capabilities what can be done here that cannot be done everywhere
 */
public record DomainFacts(
    String hypervisor,
    String accelerator,
    int vcpus,
    long memoryBytes,
    OptionalLong processId,
    Set<Capability> capabilities) {
  /** Copies the set. */
  public DomainFacts {
    capabilities = Set.copyOf(capabilities);
  }

  /** Whether this can be done here. */
  public boolean can(Capability capability) {
    return capabilities.contains(capability);
  }
}
