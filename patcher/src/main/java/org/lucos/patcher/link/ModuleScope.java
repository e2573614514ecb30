package org.lucos.patcher.link;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.lucos.patcher.kernel.KernelSymbol;

/**
 * Names in a module: what its C files define comes first, as its linker had it; then vmlinux, then
 * what the modules that it uses export, as the kernel's loader had it ({@code find_symbol()} in
 * kernel/module/main.c).
 */
final class ModuleScope implements SymbolScope {
  private final Map<String, List<KernelSymbol>> own;
  private final Map<String, List<KernelSymbol>> global;
  private final SymbolScope vmlinux;
  private final Map<String, List<KernelSymbol>> exports;

  /**
   * @param own the module's symbols
   * @param global those of them that all of its C files see
   * @param exports what the modules that it uses export
   */
  ModuleScope(
      List<KernelSymbol> own,
      List<KernelSymbol> global,
      SymbolScope vmlinux,
      List<KernelSymbol> exports) {
    this.own = byName(own);
    this.global = byName(global);
    this.vmlinux = vmlinux;
    this.exports = byName(exports);
  }

  private static Map<String, List<KernelSymbol>> byName(List<KernelSymbol> symbols) {
    Map<String, List<KernelSymbol>> index = new HashMap<>();
    symbols.forEach(
        symbol -> index.computeIfAbsent(symbol.name(), key -> new ArrayList<>()).add(symbol));
    return index;
  }

  @Override
  public List<KernelSymbol> own(String name) {
    return own.getOrDefault(name, List.of());
  }

  @Override
  public List<KernelSymbol> global(String name) {
    if (global.containsKey(name)) {
      return global.getOrDefault(name, List.of());
    }
    List<KernelSymbol> kernel = vmlinux.global(name);
    return kernel.isEmpty() ? exports.getOrDefault(name, List.of()) : kernel;
  }

  @Override
  public List<KernelSymbol> any(String name) {
    List<KernelSymbol> found = new ArrayList<>(own(name));
    found.addAll(vmlinux.any(name));
    found.addAll(exports.getOrDefault(name, List.of()));
    return found;
  }
}
