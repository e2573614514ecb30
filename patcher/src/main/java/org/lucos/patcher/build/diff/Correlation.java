package org.lucos.patcher.build.diff;

import com.google.common.collect.ListMultimap;
import com.google.common.collect.MultimapBuilder;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;

/**
 * Which piece of the patched object is which piece of the original. By name; static local
 * variables, whose numbers shift, by who refers to them.
 */
final class Correlation {
  private final Map<Piece, Piece> toPatched = new LinkedHashMap<>();
  private final Map<Piece, Piece> toOriginal = new LinkedHashMap<>();
  private final Set<Piece> ambiguous = new HashSet<>();

  Correlation(ObjectModel original, ObjectModel patched) {
    byUniqueName(original, patched, Correlation::plainName);
    byUniqueName(original, patched, Correlation::cloneName);
    byUniqueName(original, patched, Correlation::frozenName);
    new StaticLocals(this, original, patched).correlate();
  }

  /** What became of a piece of the original. */
  Optional<Piece> patchedOf(Piece original) {
    return Optional.ofNullable(toPatched.get(original));
  }

  /** What a patched piece was before. */
  Optional<Piece> originalOf(Piece patched) {
    return Optional.ofNullable(toOriginal.get(patched));
  }

  /** Whether the original may have a patched piece, but it is not certain which one it is. */
  boolean isAmbiguous(Piece patched) {
    return ambiguous.contains(patched);
  }

  void add(Piece original, Piece patched) {
    toPatched.put(original, patched);
    toOriginal.put(patched, original);
  }

  void addAmbiguous(Piece patched) {
    ambiguous.add(patched);
  }

  /** Whether a piece stands for one place in the kernel, which its name may not tell. */
  static boolean isNumbered(Piece piece) {
    return piece.kind() == Piece.Kind.VARIABLE && Names.numberedBase(piece.name()).isPresent();
  }

  private static Optional<String> plainName(Piece piece) {
    return switch (piece.kind()) {
      case FUNCTION -> Optional.of(piece.name());
      case VARIABLE -> isNumbered(piece) ? Optional.empty() : Optional.of(piece.name());
      case CONSTANT, CHUNK, UNNAMED -> Optional.empty();
    };
  }

  private static Optional<String> cloneName(Piece piece) {
    return piece.isFunction()
        ? Optional.of(Names.withoutCloneNumbers(piece.name()))
        : Optional.empty();
  }

  /**
   * What the kernel reads at boot has counters of macros in its names ({@code __BTF_ID__...}) and
   * must be the same, piece by piece, on both sides.
   */
  private static Optional<String> frozenName(Piece piece) {
    return piece.role() == SectionRole.FROZEN && !piece.symbols().isEmpty()
        ? Optional.of(piece.section().name() + " " + Names.withoutNumbers(piece.name()))
        : Optional.empty();
  }

  /** Several pieces of one name are matched in order if there are as many on both sides. */
  private void byUniqueName(
      ObjectModel original, ObjectModel patched, Function<Piece, Optional<String>> naming) {
    ListMultimap<String, Piece> before = unmatched(original, toPatched, naming);
    ListMultimap<String, Piece> after = unmatched(patched, toOriginal, naming);
    for (String name : before.keySet()) {
      List<Piece> from = before.get(name);
      List<Piece> to = after.get(name);
      if (from.size() == to.size()) {
        for (int i = 0; i < from.size(); i++) {
          add(from.get(i), to.get(i));
        }
      } else {
        to.stream().filter(piece -> !piece.isFunction()).forEach(this::addAmbiguous);
      }
    }
  }

  private static ListMultimap<String, Piece> unmatched(
      ObjectModel model, Map<Piece, Piece> matched, Function<Piece, Optional<String>> naming) {
    ListMultimap<String, Piece> named = MultimapBuilder.linkedHashKeys().arrayListValues().build();
    for (Piece piece : model.pieces()) {
      if (!matched.containsKey(piece)) {
        naming.apply(piece).ifPresent(name -> named.put(name, piece));
      }
    }
    return named;
  }
}
