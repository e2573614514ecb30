package org.lucos.patcher.build.diff;

import com.google.common.collect.ImmutableSet;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Symbol names as GCC and the kernel's macros make them. */
final class Names {
  private static final Pattern NUMBERED = Pattern.compile("(.+?)(?:\\.\\d+)+");
  private static final Pattern UNIQUE = Pattern.compile("(__UNIQUE_ID_.*?)\\d+(?:\\.\\d+)?");
  private static final Pattern CLONE_NUMBER =
      Pattern.compile("\\.(isra|constprop|part|cold|llvm)\\.\\d+");
  private static final Pattern COLD = Pattern.compile("(.+)\\.cold(?:\\.\\d+)?");
  private static final Pattern PART = Pattern.compile("(.+)\\.part\\.\\d+");

  /** Constants whose address means nothing. */
  private static final ImmutableSet<String> CONSTANTS =
      ImmutableSet.of(
          "__func__", "__FUNCTION__", "__PRETTY_FUNCTION__", "CSWTCH", "C", "__msg", ".LC");

  /** What macros leave behind for once-only messages, rate limits, lock classes, debug messages. */
  private static final ImmutableSet<String> BOOKKEEPING =
      ImmutableSet.of(
          "__already_done",
          "__warned",
          "__key",
          "descriptor",
          "__UNIQUE_ID_ddebug",
          "_rs",
          "__print_once",
          "__once",
          "___tp_str",
          "_entry",
          "_entry_ptr");

  private Names() {}

  /** The name in the source of a static local variable, which has a number of its own behind it. */
  static Optional<String> numberedBase(String name) {
    Matcher unique = UNIQUE.matcher(name);
    if (unique.matches()) {
      return Optional.of(unique.group(1));
    }
    Matcher numbered = NUMBERED.matcher(name);
    return numbered.matches() ? Optional.of(numbered.group(1)) : Optional.empty();
  }

  /** Whether a read-only object of that name is nothing but its content. */
  static boolean isConstant(String name) {
    return CONSTANTS.contains(numberedBase(name).orElse(name)) || name.startsWith(".LC");
  }

  /** Whether an object is a macro's own state: a fresh copy of it does no harm. */
  static boolean isBookkeeping(String name) {
    return numberedBase(name).filter(BOOKKEEPING::contains).isPresent();
  }

  /** A function's name without the numbers of the clones it is made from. */
  static String withoutCloneNumbers(String name) {
    return CLONE_NUMBER.matcher(name).replaceAll(".$1");
  }

  /** Macros put line numbers and counters into names, which shift with every line added. */
  static String withoutNumbers(String name) {
    return name.replaceAll("\\d+", "#");
  }

  /** The function an unlikely part was split off, if the name is of one. */
  static Optional<String> coldParent(String name) {
    Matcher cold = COLD.matcher(name);
    return cold.matches() ? Optional.of(cold.group(1)) : Optional.empty();
  }

  /** The function that was partly inlined, if the name is of the rest of one. */
  static Optional<String> partParent(String name) {
    Matcher part = PART.matcher(name);
    return part.matches() ? Optional.of(part.group(1)) : Optional.empty();
  }

  /** Whether this is objtool's name for the padding before a function. */
  static boolean isPadding(String name) {
    return name.startsWith("__pfx_") || name.startsWith("__cfi_");
  }
}
