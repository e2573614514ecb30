package org.lucos.patcher.plan;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;
import org.lucos.bridge.addr.AddressRange;
import org.lucos.patcher.kernel.RunningKernel;
import org.lucos.patcher.kernel.StaticSites;
import org.lucos.patcher.link.LinkedFunction;
import org.lucos.patcher.link.LinkedPatch;
import org.lucos.patcher.refusal.BusyRefusal;
import org.lucos.patcher.refusal.FitRefusal;
import org.lucos.patcher.refusal.GuestRefusal;
import org.lucos.patcher.refusal.RefusedException;

/** Plans how a linked patch is applied. Reads the guest, writes nothing. */
public final class Planner {
  private static final int ATTEMPTS = 20;

  /** Several times what the kernel takes for a change of its text. */
  private static final Duration TEXT_POKE = Duration.ofMillis(5);

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
    return plan(patch, function -> stable(() -> read(function, kernel, sites), function));
  }

  private static FunctionText read(
      LinkedFunction function, RunningKernel kernel, StaticSites sites) {
    return FunctionText.of(
        function,
        bytes(kernel, function.code()),
        function.parts().stream().map(part -> bytes(kernel, part)).toList(),
        range -> sites.touching(range),
        kernel.kprobes().all());
  }

  private static byte[] bytes(RunningKernel kernel, AddressRange range) {
    return kernel.memory().bytes(range.start(), (int) range.size());
  }

  /** Somebody may be switching probes on and off while we read: looks until it has been still. */
  static FunctionText stable(Supplier<FunctionText> read, LinkedFunction function) {
    FunctionText last = read.get();
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
      FunctionText next = read.get();
      if (!next.differs(last)) {
        return next;
      }
      last = next;
      LockSupport.parkNanos(TEXT_POKE.toNanos());
    }
    throw new RefusedException(
        new BusyRefusal.SiteProbed(
            function.name(), "probes come and go there faster than they can be read"));
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
