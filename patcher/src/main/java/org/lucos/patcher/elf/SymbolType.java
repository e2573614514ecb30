package org.lucos.patcher.elf;

/** What a symbol names, with ELF's numbers. */
public enum SymbolType {
  /** Not said: labels, assembly, undefined symbols. */
  NOTYPE(0),
  /** Data. */
  OBJECT(1),
  /** Code. */
  FUNC(2),
  /** A section, for relocations relative to its beginning. */
  SECTION(3),
  /** The source file. */
  FILE(4),
  /** Uninitialised data not yet placed. */
  COMMON(5),
  /** Thread-local data. */
  TLS(6),
  /** A function chosen at load time by a resolver. */
  IFUNC(10);

  private final int number;

  SymbolType(int number) {
    this.number = number;
  }

  /** As stored in the lower half of {@code st_info}. */
  public int number() {
    return number;
  }
}
