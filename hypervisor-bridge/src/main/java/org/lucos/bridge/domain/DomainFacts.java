package org.lucos.bridge.domain;

/**
 * How a guest is run.
 *
 * @param hypervisor such as {@code QEMU 7.2.22}
 * @param accelerator such as {@code kvm} or {@code tcg}
 * @param vcpus online vCPUs
 * @param memoryBytes RAM in bytes
 * @param processId the hypervisor's process on this host
 */
public record DomainFacts(
    String hypervisor, String accelerator, int vcpus, long memoryBytes, long processId) {}
