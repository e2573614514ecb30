package org.lucos.bench.report;

/** Puts details of refusals that differ only in names into one class. */
final class Reasons {
  private Reasons() {}

  /** The detail with names of functions, files and sections, and numbers, left out. */
  static String pattern(String detail) {
    String first = detail.lines().findFirst().orElse("");
    return first
        .replaceAll("'[^']*'", "'…'")
        .replaceAll("‘[^’]*’", "'…'")
        .replaceAll("[\\w./+-]+\\.[chSo]\\b(:\\d+)*", "FILE")
        .replaceAll("section \\S+", "section …")
        .replaceAll("\\b(0x[0-9a-f]+|\\d+)\\b", "N");
  }
}
