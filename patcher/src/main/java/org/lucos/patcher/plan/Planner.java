package org.lucos.patcher.plan;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.lucos.bridge.addr.AddressRange;
import org.lucos.patcher.kernel.Kprobes.Kprobe;
import org.lucos.patcher.kernel.RunningKernel;
import org.lucos.patcher.kernel.StaticSites;
import org.lucos.patcher.link.LinkedFunction;
import org.lucos.patcher.link.LinkedPatch;
import org.lucos.patcher.refusal.FitRefusal;
import org.lucos.patcher.refusal.GuestRefusal;
import org.lucos.patcher.refusal.RefusedException;

/** Plans how a linked patch is applied. Reads the guest, writes nothing. */
public final class Planner {
  private Planner() {}

  /**
   * Makes the plan.
   *
   * @throws RefusedException {@code ModulesForbidden}, {@code FunctionLivepatched}, {@code
   *     AlreadyPatched}, {@code SiteProbed} or {@code NoRedirectSite}
   */
  public static PatchPlan plan(LinkedPatch patch, RunningKernel kernel) {
    kernel
        .loaderPolicy()
        .objection()
        .ifPresent(
            objection -> {
              throw new RefusedException(new GuestRefusal.ModulesForbidden(objection));
            });
    GuestHooks hooks = GuestHooks.of(kernel);
    patch.functions().forEach(function -> hooks.requireReached(function.name(), function.code()));
    StaticSites sites = kernel.staticSites();
    List<Kprobe> probes = kernel.kprobes().all();
    return plan(
        patch,
        function ->
            new FunctionText(
                kernel.memory().bytes(function.code().start(), (int) function.code().size()),
                function.parts().stream()
                    .map(part -> kernel.memory().bytes(part.start(), (int) part.size()))
                    .toList(),
                range -> sites.touching(range),
                probes));
  }

  /** Where a planner gets the running text of a function. */
  interface Texts {
    FunctionText of(LinkedFunction function);
  }

  static PatchPlan plan(LinkedPatch patch, Texts texts) {
    List<PlannedFunction> functions = new ArrayList<>();
    List<String> warnings = new ArrayList<>();
    Map<AddressRange, String> seen = new HashMap<>();
    for (LinkedFunction function : patch.functions()) {
      String other = seen.putIfAbsent(function.code(), function.name());
      if (other != null) {
        throw new RefusedException(
            new FitRefusal.NoRedirectSite(function.name(), "it is the same code as " + other));
      }
      if (!function.target().runPreMatched()) {
        warnings.add(
            function.name()
                + " is not run-pre matched: that it is the function meant is told by its name only");
      }
      SiteFinder finder = new SiteFinder(function, texts.of(function));
      functions.add(finder.find());
      warnings.addAll(finder.warnings());
    }
    patch
        .variant()
        .escapes()
        .forEach(
            escape ->
                warnings.add(
                    escape.symbol() + " may be held on to after a revert: " + escape.detail()));
    return new PatchPlan(
        patch.description().name(),
        patch.description().description(),
        patch.description().fixes(),
        patch.kernel(),
        patch.variant().moduleName(),
        functions,
        warnings);
  }
}
