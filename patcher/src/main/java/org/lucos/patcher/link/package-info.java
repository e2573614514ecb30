/**
 * Symbols and layout of a patch against the running kernel. Reads the guest. Uses {@code build}'s
 * artefact, {@code elf}, {@code insn} and {@code kernel}.
 */
@org.jspecify.annotations.NullMarked
package org.lucos.patcher.link;
