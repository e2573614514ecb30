package org.lucos.patcher.plan;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.patcher.kernel.KernelIdentity;
import org.lucos.patcher.refusal.FitRefusal;
import org.lucos.patcher.refusal.RefusedException;

/**
 * What applying a patch to a running kernel will do. A value: making it has changed nothing.
 *
 * @param patch name of the patch
 * @param description what it is for; may be empty
 * @param fixes identifiers of what it fixes
 * @param kernel the kernel it was made for
 * @param module name of the module that will hold the new code
 * @param functions what will be replaced
 * @param warnings what the operator should know, one sentence each
 */
public record PatchPlan(
    String patch,
    String description,
    List<String> fixes,
    KernelIdentity kernel,
    String module,
    List<PlannedFunction> functions,
    List<String> warnings) {

  /** Copies the lists. */
  public PatchPlan {
    fixes = List.copyOf(fixes);
    functions = List.copyOf(functions);
    warnings = List.copyOf(warnings);
  }

  /**
   * The edits that switch every function to its replacement, in the order of {@link #functions}.
   *
   * @param replacements where the new functions are, by {@link PlannedFunction#replacement}
   * @throws RefusedException {@code NoRedirectSite} if one is out of a jump's reach
   */
  public List<TextEdit> edits(Map<String, GuestVirtualAddress> replacements) {
    List<TextEdit> edits = new ArrayList<>();
    for (PlannedFunction function : functions) {
      GuestVirtualAddress target = replacements.get(function.replacement());
      if (target == null) {
        throw new IllegalArgumentException("no address: replacement=" + function.replacement());
      }
      if (target.minus(function.site()) - TextEdit.REDIRECT_SIZE
          != (int) (target.minus(function.site()) - TextEdit.REDIRECT_SIZE)) {
        throw new RefusedException(
            new FitRefusal.NoRedirectSite(
                function.name(), "the replacement at " + target + " is out of a jump's reach"));
      }
      edits.add(TextEdit.redirect(function.site(), function.original().toArray(), target));
    }
    return List.copyOf(edits);
  }

  /** The edits that undo {@link #edits}, last function first. */
  public List<TextEdit> revertEdits(Map<String, GuestVirtualAddress> replacements) {
    List<TextEdit> reversed = new ArrayList<>();
    for (TextEdit edit : edits(replacements)) {
      reversed.add(0, edit.reversed());
    }
    return List.copyOf(reversed);
  }
}
