package org.lucos.patcher.build;

import com.google.common.collect.ImmutableList;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Where functions lie in a C file that follows the kernel's coding style: the body's braces stand
 * in the first column. A system call defined by {@code SYSCALL_DEFINE3(name, ...)} is called {@code
 * sys_name}, a compat one {@code compat_sys_name}.
 *
 * @param functions in file order
 */
public record CFunctions(List<CFunction> functions) {
  private static final Pattern NAME = Pattern.compile("([A-Za-z_][A-Za-z0-9_]*)\\s*\\(");
  private static final Pattern SYSCALL =
      Pattern.compile("\\b(COMPAT_)?SYSCALL_DEFINE[0-6]\\(\\s*([a-z0-9_]+)");
  private static final int LONGEST_HEAD = 16;

  /** Keeps its own copy. */
  public CFunctions {
    functions = ImmutableList.copyOf(functions);
  }

  /**
   * A function; lines count from 1.
   *
   * @param name as above
   * @param firstLine where its declaration begins
   * @param openLine the line of the opening brace
   * @param lastLine the line of the closing brace
   */
  public record CFunction(String name, int firstLine, int openLine, int lastLine) {}

  /** The functions of a file. */
  public static CFunctions of(String text) {
    String[] lines = text.split("\n", -1);
    List<CFunction> functions = new ArrayList<>();
    for (int i = 0; i < lines.length; i++) {
      if (lines[i].equals("{")) {
        int first = head(lines, i);
        Optional<String> name = name(lines, first, i);
        int last = close(lines, i);
        if (name.isPresent() && last > i) {
          functions.add(new CFunction(name.get(), first + 1, i + 1, last + 1));
          i = last;
        }
      }
    }
    return new CFunctions(functions);
  }

  /** The function of that name, if the file has exactly one. */
  public Optional<CFunction> find(String name) {
    List<CFunction> found = functions.stream().filter(f -> f.name().equals(name)).toList();
    return found.size() == 1 ? Optional.of(found.get(0)) : Optional.empty();
  }

  private static int head(String[] lines, int brace) {
    int first = brace;
    while (first > 0 && brace - first < LONGEST_HEAD) {
      String above = lines[first - 1].strip();
      boolean ends =
          above.isEmpty()
              || above.startsWith("#")
              || above.endsWith(";")
              || above.endsWith("}")
              || above.endsWith("*/");
      if (ends) {
        break;
      }
      first--;
    }
    return first;
  }

  private static Optional<String> name(String[] lines, int first, int brace) {
    String head = String.join(" ", List.of(lines).subList(first, brace));
    Matcher syscall = SYSCALL.matcher(head);
    if (syscall.find()) {
      return Optional.of((syscall.group(1) == null ? "sys_" : "compat_sys_") + syscall.group(2));
    }
    Matcher name = NAME.matcher(head);
    while (name.find()) {
      if (!name.group(1).startsWith("__attribute")) {
        return Optional.of(name.group(1));
      }
    }
    return Optional.empty();
  }

  private static int close(String[] lines, int brace) {
    for (int i = brace + 1; i < lines.length; i++) {
      if (lines[i].startsWith("}")) {
        return i;
      }
    }
    return -1;
  }
}
