package org.lucos.patcher.link;

import java.util.List;
import java.util.OptionalLong;
import org.lucos.bridge.addr.AddressRange;
import org.lucos.patcher.build.PatchVariant.TargetFunction;

/**
 * A function to be replaced, found in the running kernel and seen to be what the patch was built
 * against.
 *
 * @param target what the patch says of it
 * @param code where it is
 * @param parts where the rest of it is, such as its {@code .cold} part
 * @param tracingSlot offset of the 5 bytes that ftrace owns, if it has them
 * @param body offset of its own code, behind {@code endbr64} and the tracing slot
 * @param rewrites places in {@code code} that the kernel rewrites; offsets from its beginning
 * @param referrers places in {@code code} that something refers to other than by calling the
 *     function; offsets from its beginning
 * @param changes what is known to be changed now in {@code code} and {@code parts}
 */
public record LinkedFunction(
    TargetFunction target,
    AddressRange code,
    List<AddressRange> parts,
    OptionalLong tracingSlot,
    long body,
    List<Rewrite> rewrites,
    List<Referrer> referrers,
    List<LiveChange> changes) {

  /** Copies the lists. */
  public LinkedFunction {
    parts = List.copyOf(parts);
    rewrites = List.copyOf(rewrites);
    referrers = List.copyOf(referrers);
    changes = List.copyOf(changes);
  }

  /**
   * Something that refers to a place inside a function.
   *
   * @param offset of the place, from the function's beginning
   * @param by the section of the object that refers to it, such as {@code __ex_table}
   */
  public record Referrer(long offset, String by) {}

  /** Its name in the kernel's symbol table. */
  public String name() {
    return target.name();
  }
}
