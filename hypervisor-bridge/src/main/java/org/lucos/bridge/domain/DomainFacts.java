package org.lucos.bridge.domain;

import java.util.Set;

/**
 * How a guest is run.
 *
 * @param hypervisor such as {@code QEMU 7.2.22}
 * @param accelerator such as {@code kvm} or {@code tcg}
 * @param vcpus online vCPUs
 * @param memoryBytes RAM in bytes
 * @param processId the hypervisor's process on this host
 * @param capabilities what can be done here that cannot be done everywhere
 */
public record DomainFacts(
    String hypervisor,
    String accelerator,
    int vcpus,
    long memoryBytes,
    long processId,
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
