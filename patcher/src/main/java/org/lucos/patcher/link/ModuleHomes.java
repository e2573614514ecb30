package org.lucos.patcher.link;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import org.lucos.patcher.kernel.KernelSymbol;
import org.lucos.patcher.kernel.LoadedModule;
import org.lucos.patcher.kernel.LoadedModule.State;
import org.lucos.patcher.kernel.RunningKernel;
import org.lucos.patcher.refusal.RefusedException;
import org.lucos.patcher.refusal.StateRefusal;

/** The code of modules that are loaded now, by name; each is read once. */
final class ModuleHomes implements Function<String, CodeHome> {
  private final RunningKernel kernel;
  private final Map<String, CodeHome> homes = new HashMap<>();

  ModuleHomes(RunningKernel kernel) {
    this.kernel = kernel;
  }

  /**
   * The code of a module.
   *
   * @throws RefusedException {@code ModuleNotLoaded} if it is not there, or on its way in or out
   */
  @Override
  public CodeHome apply(String name) {
    return homes.computeIfAbsent(name, this::read);
  }

  private CodeHome read(String name) {
    List<LoadedModule> modules = kernel.modules();
    LoadedModule module =
        modules.stream()
            .filter(each -> each.name().equals(name) && each.state() == State.LIVE)
            .findFirst()
            .orElseThrow(
                () -> new RefusedException(new StateRefusal.ModuleNotLoaded(List.of(name))));
    List<KernelSymbol> exports = new ArrayList<>();
    used(module, modules).forEach(each -> exports.addAll(kernel.exports(each)));
    TargetModule target = TargetModule.of(module);
    return new CodeHome(
        Optional.of(target),
        new ModuleScope(
            module.symbols(),
            module.globalSymbols(),
            SymbolScope.ofVmlinux(kernel.symbols()),
            exports),
        List.of(target.text()));
  }

  /** The modules that stay as long as this one does: those it uses, and those they use. */
  private static List<LoadedModule> used(LoadedModule module, List<LoadedModule> all) {
    Set<String> names = new HashSet<>(Set.of(module.name()));
    List<LoadedModule> found = new ArrayList<>();
    boolean more = true;
    while (more) {
      more = false;
      for (LoadedModule each : all) {
        if (each.users().stream().anyMatch(names::contains) && names.add(each.name())) {
          found.add(each);
          more = true;
        }
      }
    }
    return found;
  }
}
