package org.lucos.patcher.build.diff;

import com.google.common.collect.ImmutableList;
import java.util.Optional;

/**
 * What {@code EXPORT_SYMBOL()} leaves in an object: a symbol for each function or variable, in a
 * section of its own (with its name in another one) or in one for all; include/linux/export.h and
 * include/asm-generic/export.h. Modules find exports by it when they are loaded.
 */
final class Exports {
  static final String WHAT = "exported symbols";

  private static final ImmutableList<String> SECTIONS =
      ImmutableList.of("___ksymtab", "__ksymtab", "__kcrctab", ".export_symbol");
  private static final ImmutableList<String> ENTRIES =
      ImmutableList.of("__ksymtab_", "__export_symbol_");

  private Exports() {}

  static boolean isSection(String name) {
    return SECTIONS.stream().anyMatch(name::startsWith);
  }

  /**
   * Whether it is (a part of) an export that the original does not have. No module can know it that
   * was made for the running kernel, so that nothing is lost if it is left out.
   */
  static boolean isNew(Piece piece, Correlation correlation) {
    return isSection(piece.section().name())
        && !piece.symbols().isEmpty()
        && correlation.originalOf(piece).isEmpty();
  }

  /** What an entry exports. */
  static Optional<String> exported(Piece piece) {
    return ENTRIES.stream()
        .filter(entry -> piece.name().startsWith(entry))
        .map(entry -> piece.name().substring(entry.length()))
        .findFirst();
  }
}
