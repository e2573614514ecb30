package org.lucos.patcher.build;

import java.util.Optional;
import org.lucos.patcher.bytes.Bytes;

/**
 * A C file's object as the distribution compiled it: the unpatched source with the kernel's own
 * flags, without debug information. What the running kernel is matched against.
 *
 * @param object its path in the kernel's build, such as {@code net/ipv4/tcp_input.o}
 * @param module the module it is part of, as the kernel lists it; absent for vmlinux
 * @param elf a relocatable ELF file
 */
public record ReferenceObject(String object, Optional<String> module, Bytes elf) {}
