package org.lucos.patcher.build;

import com.google.common.collect.ImmutableList;

/** How a kernel source file is compiled. */
public enum Flavour {
  /** As the kernel itself was: what must equal the running text. */
  PLAIN("plain"),
  /**
   * One section a function and a variable: what can be compared and taken apart. The types are told
   * too, as BTF, which changes no code.
   */
  SECTIONS("typed", "-ffunction-sections", "-fdata-sections", "-gbtf");

  private final String label;
  private final ImmutableList<String> flags;

  Flavour(String label, String... flags) {
    this.label = label;
    this.flags = ImmutableList.copyOf(flags);
  }

  /** A short lower-case name for files. */
  String label() {
    return label;
  }

  /** What is added to the kernel's own compiler flags. */
  ImmutableList<String> flags() {
    return flags;
  }
}
