package org.lucos.patcher.elf;

/** Who sees a symbol, with ELF's numbers. */
public enum SymbolBinding {
  /** This file alone. */
  LOCAL(0),
  /** Every file. */
  GLOBAL(1),
  /** Every file, unless another defines it globally. */
  WEAK(2),
  /** GNU: one definition for the whole process. */
  UNIQUE(10);

  private final int number;

  SymbolBinding(int number) {
    this.number = number;
  }

  /** As stored in the upper half of {@code st_info}. */
  public int number() {
    return number;
  }
}
