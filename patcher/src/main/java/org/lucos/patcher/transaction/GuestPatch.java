package org.lucos.patcher.transaction;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.patcher.kernel.KernelSymbol;
import org.lucos.patcher.kernel.LoadedModule;
import org.lucos.patcher.kernel.RunningKernel;
import org.lucos.patcher.plan.TextEdit;
import org.lucos.patcher.refusal.RefusedException;
import org.lucos.patcher.refusal.StateRefusal;

/**
 * A patch found in guest memory. Modules come and go, and with them the memory that sites of theirs
 * are in: nothing is read or written there unless the module is the one that was patched.
 *
 * @param module the module that holds its code
 * @param ledger what the module says of itself
 * @param state what the sites say
 * @param sites each target with what is there now
 * @param modules of the modules it changes those that are still loaded where they were, by name
 */
public record GuestPatch(
    LoadedModule module,
    Ledger ledger,
    PatchState state,
    List<Site> sites,
    Map<String, LoadedModule> modules) {

  /** Copies the collections. */
  public GuestPatch {
    sites = List.copyOf(sites);
    modules = Map.copyOf(modules);
  }

  /** What stands at a site. */
  public enum SiteState {
    /** The function's own bytes. */
    ORIGINAL,
    /** The jump to the replacement. */
    REDIRECTED,
    /** Neither. */
    FOREIGN,
    /** The module whose code it was is no longer there. */
    GONE
  }

  /**
   * One target.
   *
   * @param target as in the ledger
   * @param redirect the edit that redirects it
   * @param state what is there now
   */
  public record Site(Ledger.Target target, TextEdit redirect, SiteState state) {}

  /** All patches in a guest, in the order of its module list. */
  public static List<GuestPatch> all(RunningKernel kernel) {
    List<GuestPatch> found = new ArrayList<>();
    List<LoadedModule> loaded = kernel.modules();
    for (LoadedModule module : loaded) {
      Ledger.of(kernel, module).ifPresent(ledger -> found.add(of(kernel, module, ledger, loaded)));
    }
    return found;
  }

  /** Names of modules that it changes and that are gone, or were loaded anew. */
  public List<String> goneModules() {
    return ledger.modules().stream()
        .map(Ledger.PatchedModule::name)
        .filter(name -> !modules.containsKey(name))
        .toList();
  }

  /** A module that it changes, if it is still loaded where it was when the patch was made. */
  Optional<LoadedModule> moduleNow(RunningKernel kernel, String name) {
    return ledger.modules().stream()
        .filter(recorded -> recorded.name().equals(name))
        .flatMap(recorded -> kernel.modules().stream().filter(recorded::isStill))
        .findFirst();
  }

  /**
   * Refuses if a module that it changes is gone.
   *
   * @throws RefusedException {@code ModuleNotLoaded}
   */
  void requireModules() {
    if (!goneModules().isEmpty()) {
      throw new RefusedException(new StateRefusal.ModuleNotLoaded(goneModules()));
    }
  }

  /**
   * The modules to which it holds a reference while it holds one to itself: they have a jump of
   * ours. One without was loaded anew in the same place, and what holds it is not ours.
   */
  List<LoadedModule> heldModules() {
    return sites.stream()
        .filter(site -> site.state() == SiteState.REDIRECTED)
        .flatMap(site -> ledger.moduleOf(site.target()).stream())
        .distinct()
        .flatMap(recorded -> Optional.ofNullable(modules.get(recorded.name())).stream())
        .toList();
  }

  /** The patch of this name, if it is in the guest. */
  public static Optional<GuestPatch> find(RunningKernel kernel, String patch) {
    return all(kernel).stream()
        .filter(p -> p.ledger().patch().equals(patch) || p.module().name().equals(patch))
        .findFirst();
  }

  private static GuestPatch of(
      RunningKernel kernel, LoadedModule module, Ledger ledger, List<LoadedModule> loaded) {
    Map<String, LoadedModule> modules = new HashMap<>();
    for (Ledger.PatchedModule recorded : ledger.modules()) {
      loaded.stream()
          .filter(recorded::isStill)
          .forEach(found -> modules.put(recorded.name(), found));
    }
    List<Site> sites = new ArrayList<>();
    for (Ledger.Target target : ledger.targets()) {
      GuestVirtualAddress replacement =
          module.symbols().stream()
              .filter(s -> s.name().equals(target.replacement()))
              .map(KernelSymbol::address)
              .findFirst()
              .orElseThrow(
                  () ->
                      new IllegalStateException(
                          "module " + module.name() + " has no symbol " + target.replacement()));
      TextEdit redirect =
          TextEdit.redirect(target.siteAddress(), target.originalBytes(), replacement);
      Optional<Ledger.PatchedModule> in = ledger.moduleOf(target);
      boolean gone = in.isPresent() && !modules.containsKey(in.get().name());
      sites.add(new Site(target, redirect, gone ? SiteState.GONE : state(kernel, redirect)));
    }
    return new GuestPatch(module, ledger, overall(module, ledger, sites), sites, modules);
  }

  private static SiteState state(RunningKernel kernel, TextEdit redirect) {
    byte[] now = kernel.memory().bytes(redirect.at(), redirect.expected().length);
    if (Arrays.equals(now, redirect.replacement())) {
      return SiteState.REDIRECTED;
    }
    return Arrays.equals(now, redirect.expected()) ? SiteState.ORIGINAL : SiteState.FOREIGN;
  }

  private static PatchState overall(LoadedModule module, Ledger ledger, List<Site> sites) {
    if (sites.stream().allMatch(s -> s.state() == SiteState.REDIRECTED)) {
      return PatchState.APPLIED;
    }
    boolean gone = sites.stream().anyMatch(s -> s.state() == SiteState.GONE);
    boolean quiet =
        sites.stream()
            .allMatch(s -> s.state() == SiteState.ORIGINAL || s.state() == SiteState.GONE);
    if (gone && (module.references() > 0 || !quiet)) {
      return PatchState.ORPHANED;
    }
    if (!quiet) {
      return PatchState.FAILED;
    }
    return !ledger.escapes().isEmpty() && module.references() > 0
        ? PatchState.RETAINED
        : PatchState.LOADED;
  }
}
