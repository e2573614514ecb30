package org.lucos.patcher.health;

import com.google.common.collect.Sets;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Code that patches brought, and code that they replaced.
 *
 * @param modules names of the patches' modules
 * @param functions names of the functions that they replaced
 */
public record PatchedCode(Set<String> modules, Set<String> functions) {
  /** Of no patch at all. */
  public static final PatchedCode NONE = new PatchedCode(Set.of(), Set.of());

  /** Copies the sets. */
  public PatchedCode {
    modules = Set.copyOf(modules);
    functions = Set.copyOf(functions);
  }

  /** That of both. */
  public PatchedCode and(PatchedCode other) {
    return new PatchedCode(
        Sets.union(modules, other.modules), Sets.union(functions, other.functions));
  }

  /** How far a place is from patched code. */
  public enum Nearness {
    /** It is in a patch. */
    INSIDE,
    /** A patch, or a function that one replaced, is among the callers. */
    NEAR,
    /** Neither. */
    ELSEWHERE
  }

  /** Whether a place is in a patch or in what it replaced. */
  public boolean holds(TraceFrame frame) {
    return modules.contains(frame.module())
        || (frame.module().isEmpty() && functions.contains(base(frame.function())));
  }

  /**
   * How far it happened from patched code.
   *
   * @param place where, if that is known
   * @param trace how it came there; what the kernel itself doubts does not count
   */
  public Nearness of(Optional<TraceFrame> place, List<TraceFrame> trace) {
    if (place.filter(this::holds).isPresent()) {
      return Nearness.INSIDE;
    }
    return trace.stream().filter(TraceFrame::sure).anyMatch(this::holds)
        ? Nearness.NEAR
        : Nearness.ELSEWHERE;
  }

  /** Compilers put parts of functions under names of their own: {@code name.cold}. */
  private static String base(String function) {
    int dot = function.indexOf('.');
    return dot < 0 ? function : function.substring(0, dot);
  }
}
