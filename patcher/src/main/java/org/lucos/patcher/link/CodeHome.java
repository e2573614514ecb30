package org.lucos.patcher.link;

import java.util.List;
import java.util.Optional;
import org.lucos.bridge.addr.AddressRange;

/**
 * Where running code belongs: vmlinux or a module.
 *
 * @param module the module; absent for vmlinux
 * @param symbols what names mean there
 * @param text its code that is kept once it is initialised
 */
record CodeHome(Optional<TargetModule> module, SymbolScope symbols, List<AddressRange> text) {

  CodeHome {
    text = List.copyOf(text);
  }

  /** Whether its code has this address. */
  boolean contains(long address) {
    return text.stream().anyMatch(range -> range.contains(address));
  }
}
