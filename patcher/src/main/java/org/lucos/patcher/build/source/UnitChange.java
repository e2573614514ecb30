package org.lucos.patcher.build.source;

import com.google.common.collect.HashMultiset;
import com.google.common.collect.Iterables;
import com.google.common.collect.Multiset;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.lucos.patcher.build.source.Declaration.Kind;

/**
 * What a change of headers means to one file that includes them, told from the preprocessed text
 * before and after: no macro and no condition is left in it.
 */
public sealed interface UnitChange {

  /** Its text is the same. */
  record None() implements UnitChange {}

  /** Static functions, declarations or new types differ that none of its code uses. */
  record Unused() implements UnitChange {}

  /** Code may differ: compiling tells. */
  record Code() implements UnitChange {}

  /**
   * A type differs that objects of the running kernel may have been made of.
   *
   * @param name with its kind, such as {@code struct sk_buff}
   */
  record Type(String name) implements UnitChange {}

  /** Compares a preprocessed file before and after. */
  static UnitChange between(String before, String after) {
    return before.equals(after) ? new None() : new Comparison(before, after).result();
  }

  /** The comparison. */
  final class Comparison {
    private final List<Declaration> olds;

    /** Parts of both: before the first and behind the last declaration that differs. */
    private final List<Declaration> oldPart;

    private final List<Declaration> newPart;

    private Comparison(String before, String after) {
      Declarations read = Declarations.read(before);
      olds = read.all();
      List<Declaration> news = read.edited(after);
      int least = Math.min(olds.size(), news.size());
      int first = 0;
      while (first < least && same(olds.get(first), news.get(first))) {
        first++;
      }
      int rest = 0;
      while (rest < least - first
          && same(olds.get(olds.size() - 1 - rest), news.get(news.size() - 1 - rest))) {
        rest++;
      }
      oldPart = olds.subList(first, olds.size() - rest);
      newPart = news.subList(first, news.size() - rest);
    }

    private UnitChange result() {
      List<Declaration> gone = without(oldPart, newPart);
      List<Declaration> come = without(newPart, oldPart);
      List<Declaration> changed = new ArrayList<>(gone);
      changed.addAll(come);
      if (changed.isEmpty()) {
        return new None();
      }
      Optional<String> type = changedType(gone, come);
      if (type.isPresent()) {
        return new Type(type.get());
      }
      Set<String> names = new TreeSet<>();
      for (Declaration declaration : changed) {
        boolean silent =
            declaration.vanishesUnused()
                || declaration.kind() == Kind.PROTOTYPE
                || declaration.kind() == Kind.TYPE
                || declaration.kind() == Kind.EMPTY;
        if (!silent) {
          return new Code();
        }
        names.addAll(
            declaration.names().isEmpty() && declaration.kind() == Kind.TYPE
                ? Words.of(declaration.text())
                : declaration.names());
      }
      return isUsed(names, Set.copyOf(changed)) ? new Code() : new Unused();
    }

    /** An enumeration may get more members at its end; no other type may change. */
    private static Optional<String> changedType(List<Declaration> gone, List<Declaration> come) {
      for (Declaration old : gone) {
        for (Declaration now : come) {
          boolean same =
              old.kind() == Kind.TYPE
                  && now.kind() == Kind.TYPE
                  && !old.names().isEmpty()
                  && old.names().equals(now.names())
                  && kind(old).equals(kind(now));
          if (same && !isLongerEnumeration(old.text(), now.text())) {
            return Optional.of(kind(old) + " " + String.join(", ", old.names()));
          }
        }
      }
      return Optional.empty();
    }

    private static String kind(Declaration type) {
      return type.text().split(" ", 2)[0];
    }

    private static boolean isLongerEnumeration(String old, String now) {
      int end = old.lastIndexOf('}');
      String members = end < 0 ? old : old.substring(0, end).stripTrailing();
      return old.startsWith("enum ") && now.startsWith(members);
    }

    /** Whether code that is there uses one of the names, by way of other static functions too. */
    private boolean isUsed(Set<String> names, Set<Declaration> changed) {
      Deque<String> open = new ArrayDeque<>(names);
      Set<String> known = new HashSet<>(names);
      while (!open.isEmpty()) {
        String name = open.remove();
        for (Declaration declaration : Iterables.concat(olds, newPart)) {
          boolean silent = declaration.kind() == Kind.PROTOTYPE || declaration.kind() == Kind.EMPTY;
          if (silent || !declaration.mentions(name) || changed.contains(declaration)) {
            continue;
          }
          if (!declaration.vanishesUnused()) {
            return true;
          }
          for (String user : declaration.names()) {
            if (known.add(user)) {
              open.add(user);
            }
          }
        }
      }
      return false;
    }

    /** A shortcut: those that are equal, but not the same, only cost time. */
    @SuppressWarnings("ReferenceEquality")
    private static boolean same(Declaration one, Declaration other) {
      return one == other;
    }

    private static List<Declaration> without(List<Declaration> all, List<Declaration> others) {
      Multiset<Declaration> rest = HashMultiset.create(others);
      return all.stream().filter(declaration -> !rest.remove(declaration)).toList();
    }
  }
}
