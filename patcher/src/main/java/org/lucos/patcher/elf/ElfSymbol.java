package org.lucos.patcher.elf;

/**
 * A symbol.
 *
 * @param index place in the symbol table; 0 is the null symbol
 * @param name empty for section symbols and the null symbol
 * @param value offset in its section (relocatable files), address (linked files), or the value of
 *     an absolute symbol
 * @param size bytes, 0 where unknown
 * @param binding who sees it
 * @param type what it names
 * @param visibility the ELF number, 0 for default
 * @param section index of its section, or {@link #UNDEFINED}, {@link #ABSOLUTE}, {@link #COMMON},
 *     {@link #OTHER}
 */
public record ElfSymbol(
    int index,
    String name,
    long value,
    long size,
    SymbolBinding binding,
    SymbolType type,
    int visibility,
    int section) {
  /** Defined elsewhere. */
  public static final int UNDEFINED = 0;

  /** A number, not a place. */
  public static final int ABSOLUTE = -1;

  /** Not yet placed. */
  public static final int COMMON = -2;

  /** A reserved index of another meaning. */
  public static final int OTHER = -3;

  /** Whether it is defined elsewhere (the null symbol counts). */
  public boolean isUndefined() {
    return section == UNDEFINED;
  }

  /** Whether it lies in a section of this file. */
  public boolean isInSection() {
    return section > 0;
  }

  /** Whether only this file sees it. */
  public boolean isLocal() {
    return binding == SymbolBinding.LOCAL;
  }
}
