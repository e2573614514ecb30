package org.lucos.patcher.app;

import com.google.common.base.Strings;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.lucos.patcher.app.KernelChoice.Wanted;
import org.lucos.patcher.build.PatchDescription;
import org.lucos.patcher.build.PatchManifest.SkippedKernel;
import org.lucos.patcher.build.PatchObject;
import org.lucos.patcher.refusal.ChangeRefusal;
import org.lucos.patcher.refusal.FitRefusal;
import org.lucos.patcher.refusal.HostRefusal;
import org.lucos.patcher.refusal.InputRefusal;
import org.lucos.patcher.refusal.Refusal;
import org.lucos.patcher.refusal.RefusedException;

/**
 * One patch built for several kernels.
 *
 * @param objects a variant each, all of one description
 * @param skipped kernels for which there can be none
 */
record Variants(List<PatchObject> objects, List<SkippedKernel> skipped) {
  Variants {
    objects = List.copyOf(objects);
    skipped = List.copyOf(skipped);
  }

  /**
   * Builds one after the other.
   *
   * @param skipUnsupported go on after a refusal that is about one kernel only
   * @throws RefusedException the first refusal, naming the kernel if there are several
   */
  static Variants of(
      List<Wanted> kernels, boolean skipUnsupported, Function<Wanted, PatchObject> build) {
    List<PatchObject> objects = new ArrayList<>();
    List<SkippedKernel> skipped = new ArrayList<>();
    for (Wanted kernel : kernels) {
      try {
        objects.add(build.apply(kernel));
      } catch (RefusedException e) {
        if (kernels.size() == 1) {
          throw e;
        }
        Refusal reason = e.refusal();
        if (!skipUnsupported || !isOfThisKernel(reason)) {
          throw new RefusedException(new ChangeRefusal.KernelRefused(kernel.release(), reason), e);
        }
        skipped.add(new SkippedKernel(kernel.release(), reason.code(), reason.message()));
      }
    }
    if (objects.isEmpty()) {
      SkippedKernel first = skipped.get(0);
      throw new RefusedException(
          new ChangeRefusal.UnsupportedChange(
              "this for any of " + kernels.size() + " kernels",
              first.release() + ": " + first.reason()));
    }
    return new Variants(underOneName(objects), skipped);
  }

  /** Whether another kernel may do; what this host lacks, it lacks for all. */
  private static boolean isOfThisKernel(Refusal refusal) {
    return refusal instanceof ChangeRefusal
        || refusal instanceof FitRefusal
        || refusal instanceof InputRefusal.PatchDoesNotApply
        || refusal instanceof InputRefusal.CompileFailed
        || refusal instanceof HostRefusal.KernelPackageNotFound;
  }

  /**
   * A recipe's description ends in the versions it was computed from, which differ from kernel to
   * kernel: what all have in common is kept.
   */
  private static List<PatchObject> underOneName(List<PatchObject> objects) {
    PatchDescription first = objects.get(0).description();
    String common = first.description();
    for (PatchObject object : objects) {
      common = Strings.commonPrefix(common, object.description().description());
    }
    if (!common.equals(first.description())) {
      int open = common.lastIndexOf(" (");
      common = (open < 0 ? common : common.substring(0, open)).strip();
    }
    PatchDescription all =
        new PatchDescription(
            first.name(),
            common,
            first.fixes(),
            first.created(),
            first.toolVersion(),
            first.requires(),
            first.immediateSafe(),
            first.probes());
    return objects.stream().map(object -> object.describedAs(all)).toList();
  }
}
