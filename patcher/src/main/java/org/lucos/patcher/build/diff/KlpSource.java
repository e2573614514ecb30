package org.lucos.patcher.build.diff;

import com.google.common.collect.ImmutableList;
import java.util.List;
import java.util.Optional;
import org.lucos.patcher.build.PatchVariant.CallbackKind;

/**
 * What a hand-written livepatch declares: the {@code struct klp_patch} it gives to {@code
 * klp_enable_patch()}.
 *
 * @param module whose functions it replaces; absent for vmlinux
 * @param functions in the order of the source
 * @param callbacks of that object
 * @param notes what the source has and a patch of this kind has not
 */
public record KlpSource(
    Optional<String> module,
    List<Function> functions,
    List<Callback> callbacks,
    List<String> notes) {
  /** Copies the lists. */
  public KlpSource {
    functions = ImmutableList.copyOf(functions);
    callbacks = ImmutableList.copyOf(callbacks);
    notes = ImmutableList.copyOf(notes);
  }

  /**
   * A {@code struct klp_func}.
   *
   * @param oldName in the kernel's symbol table
   * @param sympos which of several of that name, from 1; 0 if there must be one
   * @param newName of the replacement in the source
   */
  public record Function(String oldName, int sympos, String newName) {}

  /** A member of {@code struct klp_callbacks} that is set. */
  public record Callback(CallbackKind kind, String function) {}
}
