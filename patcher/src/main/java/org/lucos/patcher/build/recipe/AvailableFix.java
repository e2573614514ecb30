package org.lucos.patcher.build.recipe;

import org.lucos.patcher.build.BuildRequest;
import org.lucos.patcher.build.PackageVersion;

/**
 * A recipe that fits a kernel: the kernel has the flaw and a package on offer has the fix.
 *
 * @param recipe what
 * @param release the kernel
 * @param from the kernel's own source
 * @param to the source the fix is taken from
 * @param diff the fix as a unified diff against {@code from}
 */
public record AvailableFix(
    FixRecipe recipe, String release, PackageVersion from, PackageVersion to, String diff) {

  /** The build of this fix. */
  public BuildRequest request() {
    return new BuildRequest(
        release,
        "recipe " + recipe.name(),
        diff,
        recipe.name(),
        recipe.title() + " (" + from.name() + ", " + from.version() + " to " + to.version() + ")",
        recipe.fixes());
  }
}
