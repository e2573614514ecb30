package org.lucos.bench.corpus;

/** What kind of change a file's diff is, by its text alone; see {@link DiffClassifier}. */
public enum DiffClass {
  /** A C file in which only functions differ. */
  CODE_ONLY("code only"),
  /** A C file in which only comments and blank lines differ. */
  COMMENTS("comments only"),
  /** A C file in which a function differs that runs at boot or unload only. */
  INIT_CODE("init code"),
  /** A C file in which variables, types, exports or conditions of compilation differ. */
  DATA_OR_TYPES("data or types"),
  /**
   * A C file in which only functions differ, but which does not compile without a header's change.
   */
  NEEDS_HEADERS("needs changed headers"),
  /** A header. */
  HEADER("header"),
  /** An assembly file. */
  ASSEMBLY("assembly"),
  /** A file that was added or removed. */
  ADDED_OR_REMOVED("added or removed"),
  /** No source of the kernel. */
  NOT_CODE("no kernel code");

  private final String label;

  DiffClass(String label) {
    this.label = label;
  }

  /** What to call it in a table. */
  public String label() {
    return label;
  }
}
