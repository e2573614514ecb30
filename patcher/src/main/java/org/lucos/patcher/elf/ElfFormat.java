package org.lucos.patcher.elf;

/**
 * Numbers of the ELF-64 format and its x86-64 supplement, named as in the System V ABI ({@code
 * elf.h}).
 */
public final class ElfFormat {
  /** Object file types. */
  public static final int ET_REL = 1;

  public static final int ET_EXEC = 2;
  public static final int ET_DYN = 3;

  /** The machine. */
  public static final int EM_X86_64 = 62;

  /** Section types. */
  public static final int SHT_NULL = 0;

  public static final int SHT_PROGBITS = 1;
  public static final int SHT_SYMTAB = 2;
  public static final int SHT_STRTAB = 3;
  public static final int SHT_RELA = 4;
  public static final int SHT_NOTE = 7;
  public static final int SHT_NOBITS = 8;
  public static final int SHT_REL = 9;
  public static final int SHT_DYNSYM = 11;
  public static final int SHT_GROUP = 17;
  public static final int SHT_SYMTAB_SHNDX = 18;

  /** Section flags. */
  public static final long SHF_WRITE = 0x1;

  public static final long SHF_ALLOC = 0x2;
  public static final long SHF_EXECINSTR = 0x4;
  public static final long SHF_MERGE = 0x10;
  public static final long SHF_STRINGS = 0x20;
  public static final long SHF_INFO_LINK = 0x40;
  public static final long SHF_LINK_ORDER = 0x80;
  public static final long SHF_GROUP = 0x200;
  public static final long SHF_TLS = 0x400;
  public static final long SHF_COMPRESSED = 0x800;

  /** Special section indexes as the file stores them. */
  static final int SHN_LORESERVE = 0xff00;

  static final int SHN_ABS = 0xfff1;
  static final int SHN_COMMON = 0xfff2;
  static final int SHN_XINDEX = 0xffff;

  /** Sizes of the file header, a section header, a symbol and a relocation, in bytes. */
  static final int EHDR_SIZE = 64;

  static final int SHDR_SIZE = 64;
  static final int SYM_SIZE = 24;
  static final int RELA_SIZE = 24;

  private ElfFormat() {}
}
