package org.lucos.bench.guest;

import java.util.List;
import java.util.regex.Pattern;

/** Tells from a kernel's log whether something is wrong with it. */
public final class KernelTroubles {
  /**
   * What the kernel prints when something is wrong with it: warnings, bugs, oopses, lockups,
   * stalls, panics, corruption found by its own checks. "WARNING:" alone is no sign: mitigations
   * report themselves so at boot.
   */
  private static final Pattern TROUBLE =
      Pattern.compile(
          "cut here"
              + "|WARNING: CPU|WARNING: at |WARNING: possible|WARNING: suspicious"
              + "|BUG:|kernel BUG at|Oops|Call Trace:|RIP: 0010:|Kernel panic"
              + "|general protection fault|unable to handle|invalid opcode|double fault|stack segment"
              + "|soft lockup|hard LOCKUP|detected stalls|self-detected stall|blocked for more than"
              + "|corruption|refcount_t:|UBSAN:|KASAN|ftrace bug|------------\\[ ftrace"
              + "|Bad page|bad area|scheduling while atomic|sleeping function called");

  private KernelTroubles() {}

  /** The lines that tell of trouble. A module's taint lines are not among them. */
  public static List<String> in(List<String> lines) {
    return lines.stream().filter(line -> TROUBLE.matcher(line).find()).toList();
  }
}
