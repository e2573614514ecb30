package org.lucos.patcher.elf;

/**
 * A relocation with explicit addend.
 *
 * @param offset of the field, in bytes from the beginning of the section it applies to
 * @param type how the field is computed
 * @param symbol S; the null symbol counts as address 0
 * @param addend A
 */
public record ElfRelocation(long offset, RelocationType type, ElfSymbol symbol, long addend) {}
