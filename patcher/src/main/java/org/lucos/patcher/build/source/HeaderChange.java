package org.lucos.patcher.build.source;

import com.google.common.collect.HashMultiset;
import com.google.common.collect.ImmutableSet;
import com.google.common.collect.Multiset;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What a diff changes in a header, told from its text. Comments and blanks do not count.
 *
 * @param names of the functions, macros and new types that differ
 * @param includes that were added or taken out, as they are written
 * @param open whether more changes than names can tell: conditions, structures, variables
 */
public record HeaderChange(Set<String> names, Set<String> includes, boolean open) {
  private static final Pattern INCLUDE =
      Pattern.compile("# ?include(?:_next)? ?([<\"][^>\"]+[>\"]).*");

  private static final Pattern CONDITION =
      Pattern.compile("# ?(?:if|ifdef|ifndef|elif|else|endif)\\b.*");

  public HeaderChange {
    names = ImmutableSet.copyOf(names);
    includes = ImmutableSet.copyOf(includes);
  }

  /** Compares a header before and after. */
  public static HeaderChange between(String before, String after) {
    return between(Declarations.of(before), Declarations.of(after));
  }

  /** What a header brings that there was not: its conditions only say whether it has it. */
  public static HeaderChange added(String text) {
    List<Declaration> news =
        Declarations.of(text).stream()
            .filter(declaration -> !CONDITION.matcher(declaration.text()).matches())
            .toList();
    return between(List.of(), news);
  }

  private static HeaderChange between(List<Declaration> olds, List<Declaration> news) {
    List<Declaration> changed = new ArrayList<>(without(olds, news));
    changed.addAll(without(news, olds));
    Set<String> names = new LinkedHashSet<>();
    Set<String> includes = new LinkedHashSet<>();
    boolean open = false;
    for (Declaration declaration : changed) {
      names.addAll(declaration.names());
      switch (declaration.kind()) {
        case MACRO, FUNCTION, PROTOTYPE, EMPTY -> {}
        case TYPE -> {
          boolean both = declares(olds, declaration) && declares(news, declaration);
          open |= both || declaration.names().isEmpty();
        }
        case DIRECTIVE -> {
          Optional<String> include = include(declaration.text());
          include.ifPresent(includes::add);
          open |= include.isEmpty();
        }
        case OTHER -> open = true;
      }
    }
    return new HeaderChange(names, includes, open);
  }

  /** Whether nothing but comments and blanks differs. */
  public boolean isEmpty() {
    return names.isEmpty() && includes.isEmpty() && !open;
  }

  private static boolean declares(List<Declaration> all, Declaration type) {
    return all.stream().anyMatch(d -> d.kind() == type.kind() && d.names().equals(type.names()));
  }

  private static Optional<String> include(String directive) {
    Matcher include = INCLUDE.matcher(directive);
    return include.matches() ? Optional.of(include.group(1)) : Optional.empty();
  }

  private static List<Declaration> without(List<Declaration> all, List<Declaration> others) {
    Multiset<Declaration> rest = HashMultiset.create(others);
    return all.stream().filter(declaration -> !rest.remove(declaration)).toList();
  }
}
