package org.lucos.patcher.build.diff;

import com.google.common.collect.ImmutableSet;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/** Compares every function, and finds what has to be replaced along with those that differ. */
final class ChangeFinder {
  private final ObjectModel original;
  private final ObjectModel patched;
  private final Correlation correlation;
  private final Map<String, Piece> functions = new HashMap<>();
  private final Set<Piece> changed = new LinkedHashSet<>();
  private final Set<Piece> carried = new LinkedHashSet<>();
  private final Set<Piece> added = new LinkedHashSet<>();
  private final Set<String> bootCode = new TreeSet<>();
  private final Set<String> newExports = new TreeSet<>();
  private final boolean withoutBootCode;

  /**
   * @param withoutBootCode whether code that has run at boot, or when its module was loaded, stays
   *     as it was
   */
  ChangeFinder(
      ObjectModel original, ObjectModel patched, Correlation correlation, boolean withoutBootCode) {
    this.withoutBootCode = withoutBootCode;
    this.original = original;
    this.patched = patched;
    this.correlation = correlation;
    for (Piece piece : patched.pieces()) {
      if (piece.isFunction()) {
        piece.symbols().forEach(s -> functions.put(s.name(), piece));
      }
    }
  }

  /** The changes. What may not change is for {@link ChangeRules}. */
  Changes find(Comparison comparison) {
    for (Piece after : patched.pieces()) {
      if (after.isFunction() && after.role().holdsFunctions()) {
        Optional<Piece> before = correlation.originalOf(after);
        if (isLeftOut(before, after)) {
          if (before.isEmpty() || !comparison.isSame(before.get(), after)) {
            bootCode.add(after.name());
          }
          continue;
        }
        if (before.isEmpty()) {
          added.add(after);
        } else if (before.get().role() != after.role() || !comparison.isSame(before.get(), after)) {
          changed.add(after);
        }
      } else if (Exports.isNew(after, correlation)) {
        Exports.exported(after).ifPresent(newExports::add);
      }
    }
    boolean grown = true;
    while (grown) {
      grown = addUnits();
      grown |= carryUntraced();
    }
    return new Changes(changed, carried, added, bootCode, newExports);
  }

  /** Code that is boot code in one build only is for {@link ChangeRules}. */
  private boolean isLeftOut(Optional<Piece> before, Piece after) {
    return withoutBootCode
        && after.role() == SectionRole.INIT_TEXT
        && before.map(piece -> piece.role() == SectionRole.INIT_TEXT).orElse(true);
  }

  /**
   * A function and the parts the compiler split off it are replaced together: one jumps into the
   * middle of the other.
   */
  private boolean addUnits() {
    boolean grown = false;
    for (Piece child : ImmutableSet.copyOf(functions.values())) {
      Piece parent = functions.get(Changes.parentName(child).orElse(""));
      if (parent == null) {
        continue;
      }
      boolean cold = Changes.isCold(child);
      boolean touched =
          isChanged(child)
              || isChanged(parent)
              || (cold && (added.contains(child) || added.contains(parent)));
      if (touched) {
        grown |= take(child);
        grown |= take(parent);
      }
    }
    return grown;
  }

  private boolean isChanged(Piece function) {
    return changed.contains(function) || carried.contains(function);
  }

  private boolean take(Piece piece) {
    if (isChanged(piece)) {
      return false;
    }
    if (isLeftOut(correlation.originalOf(piece), piece)) {
      bootCode.add(piece.name());
      return false;
    }
    return correlation.originalOf(piece).isPresent() ? changed.add(piece) : added.add(piece);
  }

  /**
   * The kernel's {@code inline} means notrace too, and the compiler does not always inline. Nothing
   * can redirect such a function, but its callers are all known and can be.
   */
  private boolean carryUntraced() {
    boolean grown = false;
    for (Piece function : ImmutableSet.copyOf(changed)) {
      if (isUntraced(function) && isPrivate(function)) {
        changed.remove(function);
        carried.add(function);
        grown = true;
      }
    }
    for (Piece caller : patched.pieces()) {
      if (caller.isFunction() && !isChanged(caller) && !added.contains(caller)) {
        for (Reference reference : patched.references(caller)) {
          if (reference.target() instanceof Target.Inside inside
              && carried.contains(inside.piece())) {
            grown |= take(caller);
          }
        }
      }
    }
    return grown;
  }

  private boolean isUntraced(Piece function) {
    Optional<Piece> before = correlation.originalOf(function);
    return !Changes.isCold(function)
        && before.isPresent()
        && !original.hasTracingSlot(before.get());
  }

  /**
   * Whether no other file calls it, and nobody knows where it is but direct calls and jumps of this
   * one: a pointer handed out long ago would go on leading to the old code.
   */
  private boolean isPrivate(Piece function) {
    Piece before = correlation.originalOf(function).orElseThrow();
    return before.symbol().isLocal()
        && function.symbol().isLocal()
        && function.role() == SectionRole.TEXT
        && isOnlyBranchedTo(original, before)
        && isOnlyBranchedTo(patched, function);
  }

  private static boolean isOnlyBranchedTo(ObjectModel model, Piece function) {
    for (Piece piece : model.pieces()) {
      for (Reference reference : model.references(piece)) {
        boolean toFunction =
            reference.target() instanceof Target.Inside inside
                && inside.piece() == function
                && (piece != function || inside.offset() == function.entry());
        if (toFunction && !(piece.isFunction() && reference.branch())) {
          return false;
        }
      }
    }
    return true;
  }
}
