package org.lucos.patcher.build.recipe;

import com.google.common.collect.ImmutableList;
import java.util.List;
import java.util.Optional;

/**
 * A real fix that Debian ships in a newer version of the same kernel series. Holds no kernel
 * source: its diff is computed from two source packages.
 *
 * @param name short; the folder's name
 * @param title one line for people
 * @param fixes ids such as {@code CVE-2026-1234}; may be empty
 * @param description what was wrong
 * @param shows what the observer sees before and after
 * @param changes where the fix is
 * @param observer a C program in the recipe's folder that runs in the guest: exit code 0 means
 *     fixed, 10 flawed
 */
public record FixRecipe(
    String name,
    String title,
    List<String> fixes,
    String description,
    String shows,
    List<Change> changes,
    String observer) {
  public FixRecipe {
    fixes = ImmutableList.copyOf(fixes);
    changes = ImmutableList.copyOf(changes);
    if (changes.isEmpty()) {
      throw new IllegalArgumentException("a recipe without changes: " + name);
    }
  }

  /**
   * A part of the fix.
   *
   * @param file the C file
   * @param functions the functions to take over from the newer version; names the kernel does not
   *     have are passed over
   * @param only when given, a pattern: only runs of changed lines that hold it are taken
   * @param mark a pattern found in one of the functions once it is fixed
   */
  public record Change(String file, List<String> functions, Optional<String> only, String mark) {
    public Change {
      functions = ImmutableList.copyOf(functions);
      if (functions.isEmpty()) {
        throw new IllegalArgumentException("a change without functions: " + file);
      }
    }
  }
}
