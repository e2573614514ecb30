package org.lucos.patcher.kernel;

import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import java.util.regex.Pattern;
import org.lucos.bridge.addr.AddressRange;
import org.lucos.bridge.addr.GuestVirtualAddress;

/** All code that goes by a function's name, in vmlinux and in the modules that are loaded now. */
public final class FunctionCode {
  private FunctionCode() {}

  /**
   * The function and what the compiler split off it ({@code .cold}, {@code .part.N}, {@code
   * .isra.N}, {@code .constprop.N}); of several functions of one name, all.
   *
   * @return one range a symbol; empty if no text symbol has that name
   */
  public static List<AddressRange> named(RunningKernel kernel, String name) {
    Pattern parts =
        Pattern.compile(Pattern.quote(name) + "(\\.(cold|(part|isra|constprop)\\.\\d+))*");
    List<AddressRange> found = new ArrayList<>();
    for (KernelSymbol symbol : kernel.symbols().within(kernel.text())) {
      if (symbol.isText() && parts.matcher(symbol.name()).matches()) {
        found.add(kernel.symbols().range(symbol));
      }
    }
    for (LoadedModule module : kernel.modules()) {
      module.part(LoadedModule.Kind.TEXT).ifPresent(text -> inModule(module, text, parts, found));
    }
    return found;
  }

  private static void inModule(
      LoadedModule module, AddressRange text, Pattern parts, List<AddressRange> found) {
    TreeSet<GuestVirtualAddress> starts = new TreeSet<>();
    starts.add(text.end());
    module.symbols().stream()
        .map(KernelSymbol::address)
        .filter(text::contains)
        .forEach(starts::add);
    for (KernelSymbol symbol : module.symbols()) {
      if (parts.matcher(symbol.name()).matches() && text.contains(symbol.address())) {
        found.add(AddressRange.between(symbol.address(), starts.higher(symbol.address())));
      }
    }
  }
}
