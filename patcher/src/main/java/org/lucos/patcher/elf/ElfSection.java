package org.lucos.patcher.elf;

import org.lucos.patcher.bytes.Bytes;

/**
 * A section.
 *
 * @param index place in the section table; 0 is the null section
 * @param name as in the section name table
 * @param type an {@code SHT_} number
 * @param flags {@code SHF_} bits
 * @param address where it is loaded; 0 in relocatable files
 * @param fileOffset where its content begins in the file
 * @param size bytes in memory
 * @param bytes its content; empty for {@code SHT_NOBITS} whatever the size
 * @param link {@code sh_link}, meaning depends on the type
 * @param info {@code sh_info}, meaning depends on the type
 * @param alignment a power of two, or 0
 * @param entrySize bytes of an entry for tables, else 0
 */
public record ElfSection(
    int index,
    String name,
    int type,
    long flags,
    long address,
    long fileOffset,
    long size,
    Bytes bytes,
    int link,
    int info,
    long alignment,
    long entrySize) {

  /** Whether every one of the flags is set. */
  public boolean has(long wanted) {
    return (flags & wanted) == wanted;
  }

  /** Whether it is part of the program in memory. */
  public boolean isAllocated() {
    return has(ElfFormat.SHF_ALLOC);
  }

  /** Whether it holds code. */
  public boolean isCode() {
    return has(ElfFormat.SHF_ALLOC | ElfFormat.SHF_EXECINSTR);
  }

  /** Whether the program may write to it. */
  public boolean isWritable() {
    return has(ElfFormat.SHF_WRITE);
  }

  /** Whether it has no bytes in the file, only zeros in memory. */
  public boolean isNoBits() {
    return type == ElfFormat.SHT_NOBITS;
  }
}
