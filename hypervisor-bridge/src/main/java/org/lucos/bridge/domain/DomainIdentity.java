package org.lucos.bridge.domain;

import java.util.UUID;

/**
 * Which guest this is.
 *
 * @param name unique among the defined domains of a host
 * @param uuid stays with the domain, also over migration
 * @param id the hypervisor's number of this run of the domain; a reboot by power-cycle changes it
 */
public record DomainIdentity(String name, UUID uuid, int id) {}
