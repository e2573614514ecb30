package org.lucos.patcher.transaction;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.patcher.bytes.Bytes;
import org.lucos.patcher.bytes.MalformedDataException;
import org.lucos.patcher.consistency.NamedRange;
import org.lucos.patcher.kernel.KernelSymbol;
import org.lucos.patcher.kernel.Kprobes;
import org.lucos.patcher.kernel.Kprobes.Kprobe;
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

  /** How often sites are read at most while probes change. */
  private static final int READS = 5;

  /**
   * So many references more has a module that stays because tasks were left inside: far more than
   * anybody else takes, and seen in the guest's {@code lsmod}.
   */
  static final int KEPT = 1 << 16;

  /** Copies the collections. */
  public GuestPatch {
    sites = List.copyOf(sites);
    modules = Map.copyOf(modules);
  }

  /** What stands at a site. */
  public enum SiteState {
    /** No jump of this patch: the function's own bytes, or what other patches made of them. */
    ORIGINAL,
    /** The jump to the replacement. */
    REDIRECTED,
    /** The jump to the replacement, under that of another patch. */
    COVERED,
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
   * @param stack all jumps that are there now
   */
  public record Site(Ledger.Target target, TextEdit redirect, SiteState state, SiteStack stack) {
    /** Whether its jump lay on another patch's that is no longer there. */
    public boolean hasLostGround() {
      return isTaken()
          && stack.layers().get(0).redirect().equals(redirect)
          && !stack.own().equals(Bytes.of(target.ownBytes()));
    }

    /** Names of the patches whose jumps lie on this one. */
    public List<String> covering() {
      List<SiteStack.Layer> layers = stack.layers();
      int mine = layers.size();
      for (int i = 0; i < layers.size(); i++) {
        mine = layers.get(i).redirect().equals(redirect) ? i : mine;
      }
      return layers.stream().skip(mine + 1L).map(SiteStack.Layer::patch).toList();
    }

    /** Whether the jump to the replacement is there, covered or not. */
    public boolean isTaken() {
      return state == SiteState.REDIRECTED || state == SiteState.COVERED;
    }
  }

  /** All patches in a guest, in the order of its module list. Kprobes are looked through. */
  public static List<GuestPatch> all(RunningKernel kernel) {
    List<LoadedModule> loaded = kernel.modules();
    List<Found> found = new ArrayList<>();
    for (LoadedModule module : loaded) {
      Ledger.of(kernel, module).ifPresent(ledger -> found.add(Found.of(module, ledger, loaded)));
    }
    Map<GuestVirtualAddress, List<SiteStack.Layer>> layers = new HashMap<>();
    found.forEach(
        patch ->
            patch
                .layers()
                .forEach(
                    layer ->
                        layers
                            .computeIfAbsent(layer.redirect().at(), at -> new ArrayList<>())
                            .add(layer)));
    return found.isEmpty() ? List.of() : throughProbes(kernel, found, layers);
  }

  /** Reads the sites again if probes came, went or became jumps meanwhile. */
  private static List<GuestPatch> throughProbes(
      RunningKernel kernel,
      List<Found> found,
      Map<GuestVirtualAddress, List<SiteStack.Layer>> layers) {
    List<Kprobe> probes = kernel.kprobes().all();
    for (int attempt = 1; ; attempt++) {
      List<Kprobe> before = probes;
      Function<GuestVirtualAddress, SiteStack> stacks =
          site -> {
            byte[] now = kernel.memory().bytes(site, TextEdit.REDIRECT_SIZE);
            Kprobes.uncover(before, site, now);
            return SiteStack.of(site, now, layers.getOrDefault(site, List.of()));
          };
      List<GuestPatch> patches = found.stream().map(patch -> patch.with(stacks)).toList();
      probes = kernel.kprobes().all();
      if (probes.equals(before) || attempt == READS) {
        return patches;
      }
    }
  }

  /** Whether this is its name, or its module's. */
  public boolean isCalled(String name) {
    return ledger.patch().equals(name) || module.name().equals(name);
  }

  /**
   * Refuses to bring it into a state that it may not come into.
   *
   * @throws RefusedException {@code TransitionRefused}
   */
  void requireNext(PatchState wanted) {
    state.require(ledger.patch(), wanted);
  }

  /** Whether tasks were left inside when it was taken out. */
  public boolean isKept() {
    return !isInUse() && module.references() >= KEPT;
  }

  /** Whether any of its jumps is in place. */
  public boolean isInUse() {
    return sites.stream().anyMatch(Site::isTaken);
  }

  /** What ran before it came: the functions it replaces, and patches of them that it lies on. */
  List<NamedRange> oldCode() {
    List<NamedRange> old = new ArrayList<>();
    for (Site site : sites) {
      if (site.state() != SiteState.GONE) {
        String function = site.target().function();
        site.target().code().forEach(code -> old.add(new NamedRange(function, code.range())));
        site.stack().below(module.name()).forEach(layer -> old.addAll(layer.code()));
      }
    }
    return old;
  }

  /** The modules whose jumps lie on this patch's, each once. */
  List<String> coveredBy() {
    return sites.stream()
        .flatMap(site -> site.stack().above(module.name()).stream())
        .map(SiteStack.Layer::module)
        .distinct()
        .toList();
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
   * ours, or had one until the patch was retained. One without was loaded anew in the same place,
   * and what holds it is not ours.
   */
  List<LoadedModule> heldModules() {
    return sites.stream()
        .filter(site -> site.isTaken() || isKept())
        .flatMap(site -> ledger.moduleOf(site.target()).stream())
        .distinct()
        .flatMap(recorded -> Optional.ofNullable(modules.get(recorded.name())).stream())
        .toList();
  }

  /** The patch of this name, if it is in the guest. */
  public static Optional<GuestPatch> find(RunningKernel kernel, String patch) {
    return all(kernel).stream().filter(found -> found.isCalled(patch)).findFirst();
  }

  /** A patch module, before its sites are looked at. */
  private record Found(
      LoadedModule module, Ledger ledger, Map<String, LoadedModule> modules, List<TextEdit> edits) {

    static Found of(LoadedModule module, Ledger ledger, List<LoadedModule> loaded) {
      Map<String, LoadedModule> modules = new HashMap<>();
      for (Ledger.PatchedModule recorded : ledger.modules()) {
        loaded.stream()
            .filter(recorded::isStill)
            .forEach(present -> modules.put(recorded.name(), present));
      }
      List<TextEdit> edits = new ArrayList<>();
      for (Ledger.Target target : ledger.targets()) {
        GuestVirtualAddress replacement =
            module.all(target.replacement()).stream()
                .map(KernelSymbol::address)
                .findFirst()
                .orElseThrow(() -> malformed(module, target, "no such symbol"));
        try {
          edits.add(TextEdit.redirect(target.siteAddress(), target.originalBytes(), replacement));
        } catch (IllegalArgumentException e) {
          throw malformed(module, target, String.valueOf(e.getMessage()));
        }
      }
      return new Found(module, ledger, modules, edits);
    }

    private static MalformedDataException malformed(
        LoadedModule module, Ledger.Target target, String detail) {
      return new MalformedDataException(
          "ledger of module " + module.name(), 0, target.replacement() + ": " + detail);
    }

    private boolean isGone(Ledger.Target target) {
      return ledger.moduleOf(target).filter(in -> !modules.containsKey(in.name())).isPresent();
    }

    List<SiteStack.Layer> layers() {
      List<SiteStack.Layer> layers = new ArrayList<>();
      for (int i = 0; i < edits.size(); i++) {
        Ledger.Target target = ledger.targets().get(i);
        if (!isGone(target)) {
          layers.add(
              new SiteStack.Layer(
                  module.name(),
                  ledger.patch(),
                  edits.get(i),
                  ReplacementCode.of(module, target.replacement())));
        }
      }
      return layers;
    }

    GuestPatch with(Function<GuestVirtualAddress, SiteStack> stacks) {
      List<Site> sites = new ArrayList<>();
      for (int i = 0; i < edits.size(); i++) {
        Ledger.Target target = ledger.targets().get(i);
        TextEdit redirect = edits.get(i);
        if (isGone(target)) {
          Bytes none = Bytes.of(redirect.expected());
          SiteStack gone = new SiteStack(redirect.at(), none, none, List.of());
          sites.add(new Site(target, redirect, SiteState.GONE, gone));
        } else {
          SiteStack stack = stacks.apply(redirect.at());
          sites.add(new Site(target, redirect, state(target, stack), stack));
        }
      }
      return new GuestPatch(module, ledger, overall(module, ledger, sites), sites, modules);
    }

    private SiteState state(Ledger.Target target, SiteStack stack) {
      Optional<Integer> height = stack.heightOf(module.name());
      if (height.isPresent()) {
        return height.get() == stack.layers().size() - 1 ? SiteState.REDIRECTED : SiteState.COVERED;
      }
      return stack.own().equals(Bytes.of(target.ownBytes()))
          ? SiteState.ORIGINAL
          : SiteState.FOREIGN;
    }
  }

  private static PatchState overall(LoadedModule module, Ledger ledger, List<Site> sites) {
    if (sites.stream().allMatch(Site::isTaken)) {
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
    boolean mayBeKnown = !ledger.escapes().isEmpty() && module.references() > 0;
    return mayBeKnown || module.references() >= KEPT ? PatchState.RETAINED : PatchState.LOADED;
  }
}
