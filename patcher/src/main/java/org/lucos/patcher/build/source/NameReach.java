package org.lucos.patcher.build.source;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableSet;
import com.google.common.collect.Sets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.lucos.patcher.build.source.Declaration.Kind;

/**
 * How far a change of some names can reach, told from text: what mentions a name in a header makes
 * names of its own, until there are no more. A file that is compiled is reached if it mentions one
 * of the names, or includes a header that does so outside of functions and macros. Names that are
 * put together ({@code ##}) count as mentioned by the macro that may do so.
 */
public final class NameReach {
  /** Names of files are no names. */
  private static final Pattern INCLUDE = Pattern.compile("(?m)^[ \\t]*#[ \\t]*include.*$");

  private static final Pattern CHAIN = Pattern.compile("\\w+(?: ?## ?\\w+)+");
  private static final Pattern PARAMETERS = Pattern.compile("# ?define \\w+\\(([^)]*)\\)");
  private static final Pattern ARGUMENTS = Pattern.compile("\\s*\\(([^;{}]*?)\\)");
  private static final int LEAST_FRAGMENT = 2;
  private static final int LARGEST_FAMILY = 60;

  /** A macro that makes names of fragments and arguments. */
  private record Paster(String macro, Pattern made) {}

  private final ImmutableSet<String> headers;
  private final ImmutableSet<String> roots;
  private final Function<String, String> texts;
  private final Map<String, List<String>> mentions = new HashMap<>();
  private final Map<String, ImmutableList<Declaration>> parsed = new HashMap<>();
  private final List<Paster> pasters = new ArrayList<>();
  private final Set<String> joiners = new HashSet<>();
  private final Map<String, Set<String>> families = new HashMap<>();
  private final Set<String> names = new HashSet<>();
  private final Set<String> spreading = new HashSet<>();

  /**
   * @param headers files that are included
   * @param roots files that are compiled
   * @param texts gives a file's text; asked once for each
   */
  public NameReach(Set<String> headers, Set<String> roots, Function<String, String> texts) {
    this.headers = ImmutableSet.copyOf(headers);
    this.roots = ImmutableSet.copyOf(roots);
    this.texts = texts;
    headers.forEach(this::index);
    roots.stream().filter(root -> !headers.contains(root)).forEach(this::index);
  }

  private void index(String file) {
    String text = texts.apply(file);
    for (String word : Words.of(INCLUDE.matcher(text).replaceAll(""))) {
      mentions.computeIfAbsent(word, w -> new ArrayList<>()).add(file);
    }
    if (text.contains("##")) {
      for (Declaration declaration : declarations(file)) {
        if (declaration.kind() == Kind.MACRO && declaration.text().contains("##")) {
          pasters(declaration);
        }
      }
    }
  }

  private void pasters(Declaration macro) {
    String name = macro.names().iterator().next();
    Set<String> parameters = new HashSet<>();
    Matcher list = PARAMETERS.matcher(macro.text());
    if (list.lookingAt()) {
      parameters.addAll(Words.of(list.group(1)));
    }
    Matcher chain = CHAIN.matcher(macro.text());
    while (chain.find()) {
      StringBuilder made = new StringBuilder();
      int literal = 0;
      for (String part : chain.group().split(" ?## ?", -1)) {
        boolean argument = parameters.contains(part) || part.equals("__VA_ARGS__");
        made.append(argument ? "(\\w*)" : part);
        literal += argument ? 0 : part.length();
      }
      if (literal < LEAST_FRAGMENT) {
        joiners.add(name);
      } else {
        pasters.add(new Paster(name, Pattern.compile(made.toString())));
      }
    }
  }

  private ImmutableList<Declaration> declarations(String file) {
    return parsed.computeIfAbsent(file, f -> Declarations.of(texts.apply(f)));
  }

  /** What is reached. */
  public record Reached(Set<String> names, Set<String> roots, Set<String> spreading) {
    /** Copies the sets. */
    public Reached {
      names = ImmutableSet.copyOf(names);
      roots = ImmutableSet.copyOf(roots);
      spreading = ImmutableSet.copyOf(spreading);
    }
  }

  /**
   * What a change of {@code changed} reaches.
   *
   * @return the names, the compiled files that mention one, and the headers all includers of which
   *     are reached
   */
  public Reached of(Collection<String> changed) {
    Deque<String> open = new ArrayDeque<>();
    Set<String> reached = new HashSet<>();
    changed.forEach(name -> add(name, open));
    while (!open.isEmpty()) {
      String name = open.remove();
      Set<String> files = new HashSet<>(mentions.getOrDefault(name, List.of()));
      for (String file : files) {
        if (roots.contains(file)) {
          reached.add(file);
        }
        if (headers.contains(file)) {
          declarations(file).stream()
              .filter(declaration -> declaration.mentions(name))
              .forEach(declaration -> follow(file, declaration, name, open));
        }
      }
      for (Paster paster : pasters) {
        Matcher made = paster.made().matcher(name);
        if (made.matches()) {
          Set<String> arguments = new HashSet<>();
          for (int i = 1; i <= made.groupCount(); i++) {
            arguments.add(made.group(i));
          }
          arguments.remove("");
          called(paster.macro(), arguments, having(arguments))
              .forEach(file -> reach(file, reached));
        }
      }
      joined(name).forEach(file -> reach(file, reached));
    }
    return new Reached(names, reached, spreading);
  }

  private void reach(String file, Set<String> reached) {
    (roots.contains(file) ? reached : spreading).add(file);
  }

  private void add(String name, Deque<String> open) {
    if (names.add(name)) {
      open.add(name);
    }
  }

  private void follow(String file, Declaration declaration, String name, Deque<String> open) {
    switch (declaration.kind()) {
      case MACRO -> declaration.names().forEach(n -> add(n, open));
      case FUNCTION -> {
        declaration.names().forEach(n -> add(n, open));
        if (!declaration.isInline()) {
          spreading.add(file);
        }
      }
      case PROTOTYPE -> {
        if (!declaration.names().contains(name)) {
          declaration.names().forEach(n -> add(n, open));
        }
      }
      case EMPTY -> {}
      case DIRECTIVE -> {
        if (!INCLUDE.matcher(declaration.text()).matches()) {
          spreading.add(file);
        }
      }
      case TYPE, OTHER -> spreading.add(file);
    }
  }

  /** Files in which a macro that joins any two words is given both halves of a name. */
  private Set<String> joined(String name) {
    Set<String> found = new HashSet<>();
    for (int i = 1; i < name.length(); i++) {
      String left = name.substring(0, i);
      String right = name.substring(i);
      found.addAll(joined(left, right));
      if (right.startsWith("_")) {
        found.addAll(joined(left, right.substring(1)));
      }
    }
    return found;
  }

  private Set<String> joined(String left, String right) {
    Set<String> found = new HashSet<>();
    if (mentions.containsKey(left) && mentions.containsKey(right)) {
      Set<String> arguments = ImmutableSet.of(left, right);
      Set<String> having = having(arguments);
      joiners.forEach(macro -> found.addAll(called(macro, arguments, having)));
    }
    return found;
  }

  /**
   * Files in which a macro, or one that is made of it, is given all of some words.
   *
   * @param having files that mention these words
   */
  private Set<String> called(String macro, Set<String> arguments, Set<String> having) {
    Set<String> found = new HashSet<>();
    for (String one : having.isEmpty() ? Set.<String>of() : family(macro)) {
      Set<String> files = new HashSet<>(mentions.getOrDefault(one, List.of()));
      files.retainAll(having);
      files.removeAll(found);
      files.stream().filter(file -> calls(texts.apply(file), one, arguments)).forEach(found::add);
    }
    return found;
  }

  /** Whether a text gives a macro all of some words in one call. */
  private static boolean calls(String text, String macro, Set<String> arguments) {
    Matcher given = ARGUMENTS.matcher(text);
    int at = Words.find(text, macro, 0);
    while (at >= 0) {
      given.region(at + macro.length(), text.length());
      if (given.lookingAt() && Words.of(given.group(1)).containsAll(arguments)) {
        return true;
      }
      at = Words.find(text, macro, at + 1);
    }
    return false;
  }

  /** Files that mention all of some words. */
  private Set<String> having(Set<String> words) {
    if (words.isEmpty()) {
      return Sets.union(roots, headers);
    }
    Iterator<String> each = words.iterator();
    Set<String> having = new HashSet<>(mentions.getOrDefault(each.next(), List.of()));
    while (each.hasNext()) {
      having.retainAll(new HashSet<>(mentions.getOrDefault(each.next(), List.of())));
    }
    return having;
  }

  /** A macro and those that hand their arguments on to it. */
  private Set<String> family(String macro) {
    Set<String> known = families.get(macro);
    if (known != null) {
      return known;
    }
    Set<String> family = new HashSet<>(Set.of(macro));
    Deque<String> open = new ArrayDeque<>(family);
    while (!open.isEmpty() && family.size() < LARGEST_FAMILY) {
      String one = open.remove();
      for (String file : mentions.getOrDefault(one, List.of())) {
        for (Declaration declaration :
            headers.contains(file) ? declarations(file) : List.<Declaration>of()) {
          if (declaration.kind() == Kind.MACRO && declaration.mentions(one)) {
            declaration.names().stream().filter(family::add).forEach(open::add);
          }
        }
      }
    }
    families.put(macro, family);
    return family;
  }
}
