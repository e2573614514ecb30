package org.lucos.patcher.link;

import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.patcher.elf.ElfSymbol;
import org.lucos.patcher.elf.SymbolBinding;

/** An object found again in the running kernel: where its sections and symbols are. */
final class MatchedObject {
  private final ObjectImage object;
  private final CodeHome home;
  private final Rewrites rewrites;
  private final Map<Integer, Long> bases;
  private final Map<String, Long> globals;

  /**
   * @param home where it runs
   * @param bases addresses of sections, by index; per-CPU sections have offsets
   * @param globals addresses of global symbols the object names
   */
  MatchedObject(
      ObjectImage object,
      CodeHome home,
      Rewrites rewrites,
      Map<Integer, Long> bases,
      Map<String, Long> globals) {
    this.object = object;
    this.home = home;
    this.rewrites = rewrites;
    this.bases = Map.copyOf(bases);
    this.globals = Map.copyOf(globals);
  }

  ObjectImage object() {
    return object;
  }

  CodeHome home() {
    return home;
  }

  Rewrites rewrites() {
    return rewrites;
  }

  /** Where a section begins, if that could be told. */
  OptionalLong base(int section) {
    Long base = bases.get(section);
    return base == null ? OptionalLong.empty() : OptionalLong.of(base);
  }

  /** Where a global symbol is that the object names or defines, if that could be told. */
  OptionalLong global(String name) {
    Long address = globals.get(name);
    return address == null ? OptionalLong.empty() : OptionalLong.of(address);
  }

  /** Where a symbol of the object is in the running kernel, if that could be told. */
  OptionalLong address(ElfSymbol symbol) {
    if (symbol.isUndefined() || symbol.binding() == SymbolBinding.WEAK) {
      Long address = globals.get(symbol.name());
      return address == null ? OptionalLong.empty() : OptionalLong.of(address);
    }
    if (!symbol.isInSection()) {
      return OptionalLong.of(symbol.value());
    }
    Long base = bases.get(symbol.section());
    return base == null ? OptionalLong.empty() : OptionalLong.of(base + symbol.value());
  }

  /** The address of the one symbol the object defines under a name. */
  Optional<GuestVirtualAddress> address(String name) {
    return object
        .definition(name)
        .flatMap(
            symbol -> {
              OptionalLong address = address(symbol);
              return address.isPresent()
                  ? Optional.of(new GuestVirtualAddress(address.getAsLong()))
                  : Optional.empty();
            });
  }
}
