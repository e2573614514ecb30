package org.lucos.patcher.link;

import java.util.List;
import org.lucos.patcher.kernel.KernelSymbol;
import org.lucos.patcher.kernel.SymbolTable;

/** What names mean in the code of vmlinux, or of one module. */
interface SymbolScope {

  /** Every symbol of this name that the code itself has, in the order of its symbol table. */
  List<KernelSymbol> own(String name);

  /** What the name means in a C file that does not define it; more than one: it cannot be told. */
  List<KernelSymbol> global(String name);

  /** Every symbol that the name may stand for in a C file that does not define it. */
  List<KernelSymbol> any(String name);

  /** The scope of vmlinux. */
  static SymbolScope ofVmlinux(SymbolTable symbols) {
    return new SymbolScope() {
      @Override
      public List<KernelSymbol> own(String name) {
        return symbols.all(name);
      }

      @Override
      public List<KernelSymbol> global(String name) {
        return symbols.all(name).stream()
            .filter(symbol -> Character.isUpperCase(symbol.type()))
            .toList();
      }

      @Override
      public List<KernelSymbol> any(String name) {
        return symbols.all(name);
      }
    };
  }
}
