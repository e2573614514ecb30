package org.lucos.patcher.build.diff;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Code of the original that runs on behalf of a function and is replaced with it: what the compiler
 * split off it, and functions that cannot be redirected and are called from it. The latter may have
 * been entered by a jump, so that the function itself is no longer on the stack.
 */
final class OldParts {
  private final ObjectModel original;
  private final Correlation correlation;
  private final Changes changes;

  OldParts(ObjectModel original, Correlation correlation, Changes changes) {
    this.original = original;
    this.correlation = correlation;
    this.changes = changes;
  }

  /** Names in the original object. */
  List<String> of(Piece function) {
    Set<Piece> found = new LinkedHashSet<>();
    Deque<Piece> pending = new ArrayDeque<>(List.of(function));
    while (!pending.isEmpty()) {
      Piece piece = pending.removeFirst();
      for (Piece part : original.pieces()) {
        if (part.isFunction() && isColdOf(part, piece) && found.add(part)) {
          pending.add(part);
        }
      }
      for (Reference reference : original.references(piece)) {
        if (reference.target() instanceof Target.Inside inside
            && isCarried(inside.piece())
            && found.add(inside.piece())) {
          pending.add(inside.piece());
        }
      }
    }
    return found.stream().map(Piece::name).toList();
  }

  private boolean isCarried(Piece before) {
    Optional<Piece> after = correlation.patchedOf(before);
    return after.filter(changes.carried()::contains).isPresent();
  }

  static boolean isColdOf(Piece part, Piece parent) {
    return Names.coldParent(part.name())
        .filter(name -> parent.symbols().stream().anyMatch(s -> s.name().equals(name)))
        .isPresent();
  }
}
