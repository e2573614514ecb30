package org.lucos.patcher.transaction;

import java.util.ArrayList;
import java.util.List;
import org.lucos.bridge.addr.AddressRange;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.patcher.consistency.NamedRange;
import org.lucos.patcher.kernel.KernelSymbol;
import org.lucos.patcher.kernel.LoadedModule;

/** Where a replacement function of a patch module is, its {@code .cold} part and the like too. */
final class ReplacementCode {
  private ReplacementCode() {}

  /** Its code; symbols have no size, so each part reaches to the next symbol of the module. */
  static List<NamedRange> of(LoadedModule module, String replacement) {
    List<NamedRange> code = new ArrayList<>();
    for (KernelSymbol symbol : module.symbols()) {
      boolean belongs =
          symbol.name().equals(replacement) || symbol.name().startsWith(replacement + ".");
      if (belongs && symbol.isText() && module.containsText(symbol.address())) {
        code.add(new NamedRange(replacement, range(module, symbol.address())));
      }
    }
    return List.copyOf(code);
  }

  private static AddressRange range(LoadedModule module, GuestVirtualAddress start) {
    AddressRange part =
        module.parts().stream()
            .map(LoadedModule.Part::range)
            .filter(range -> range.contains(start))
            .findFirst()
            .orElseThrow();
    long end = part.end().value();
    for (KernelSymbol other : module.symbols()) {
      if (part.contains(other.address())
          && other.address().compareTo(start) > 0
          && Long.compareUnsigned(other.address().value(), end) < 0) {
        end = other.address().value();
      }
    }
    return new AddressRange(start, end - start.value());
  }
}
