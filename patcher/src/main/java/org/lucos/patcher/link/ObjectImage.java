package org.lucos.patcher.link;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.TreeMap;
import org.lucos.patcher.bytes.MalformedDataException;
import org.lucos.patcher.elf.ElfObject;
import org.lucos.patcher.elf.ElfRelocation;
import org.lucos.patcher.elf.ElfSection;
import org.lucos.patcher.elf.ElfSymbol;
import org.lucos.patcher.elf.SymbolType;
import org.lucos.patcher.link.Rewrite.Place;

/**
 * A relocatable object as linking looks at it: what lies where, and what a relocated place refers
 * to. Offsets count from the beginning of their section.
 */
final class ObjectImage {
  private final String name;
  private final ElfObject elf;
  private final Map<Integer, NavigableMap<Long, ElfRelocation>> relocations = new HashMap<>();
  private final Map<Integer, byte[]> contents = new HashMap<>();
  private final Map<Integer, NavigableMap<Long, ElfSymbol>> functions = new HashMap<>();
  private final Map<String, List<ElfSymbol>> byName = new HashMap<>();

  /**
   * @param name what errors call it, such as {@code net/ipv4/tcp_input.o}
   */
  ObjectImage(String name, ElfObject elf) {
    this.name = name;
    this.elf = elf;
    for (ElfSection section : elf.sections()) {
      NavigableMap<Long, ElfRelocation> sorted = new TreeMap<>();
      elf.relocations(section).forEach(each -> sorted.put(each.offset(), each));
      relocations.put(section.index(), sorted);
      contents.put(section.index(), section.bytes().toArray());
    }
    for (ElfSymbol symbol : elf.symbols()) {
      if (!symbol.name().isEmpty() && symbol.type() != SymbolType.SECTION) {
        byName.computeIfAbsent(symbol.name(), key -> new ArrayList<>()).add(symbol);
      }
      if (symbol.type() == SymbolType.FUNC
          && symbol.isInSection()
          && symbol.size() > 0
          && !isPadding(symbol.name())) {
        checkExtent(symbol);
        functions
            .computeIfAbsent(symbol.section(), key -> new TreeMap<>())
            .merge(symbol.value(), symbol, (a, b) -> a.size() >= b.size() ? a : b);
      }
    }
  }

  /** Nothing below has to fear a function that reaches outside of its section. */
  private void checkExtent(ElfSymbol symbol) {
    long length = content(symbol.section()).length;
    if (symbol.value() < 0 || symbol.size() < 0 || symbol.value() > length - symbol.size()) {
      throw new MalformedDataException(
          name, symbol.value(), "function outside of its section: " + symbol.name());
    }
  }

  String name() {
    return name;
  }

  Collection<ElfSection> sections() {
    return elf.sections();
  }

  Collection<ElfSymbol> symbols() {
    return elf.symbols();
  }

  /** The section of an index. */
  ElfSection section(int index) {
    if (index < 0 || index >= elf.sections().size()) {
      throw new MalformedDataException(name, 0, "no section " + index);
    }
    return elf.sections().get(index);
  }

  /** The content of a section; shared, not to be written to. */
  byte[] content(int index) {
    return contents.getOrDefault(index, new byte[0]);
  }

  /** Every symbol of a name, defined or not. */
  List<ElfSymbol> named(String wanted) {
    return byName.getOrDefault(wanted, List.of());
  }

  /** The one symbol this object defines under a name. */
  Optional<ElfSymbol> definition(String wanted) {
    List<ElfSymbol> found = named(wanted).stream().filter(ElfSymbol::isInSection).toList();
    return found.size() == 1 ? Optional.of(found.get(0)) : Optional.empty();
  }

  /** Relocations of a section by offset. */
  NavigableMap<Long, ElfRelocation> relocations(int section) {
    return relocations.getOrDefault(section, Collections.emptyNavigableMap());
  }

  /**
   * The place inside the object that a table's field refers to: an absolute field holds it, a
   * relative one the distance to it.
   */
  Optional<Place> place(int table, long field) {
    ElfRelocation relocation = relocations(table).get(field);
    if (relocation == null || !relocation.symbol().isInSection()) {
      return Optional.empty();
    }
    return Optional.of(
        new Place(
            relocation.symbol().section(), relocation.symbol().value() + relocation.addend()));
  }

  /** Functions of a section that have a size, by offset; of several at one offset the longest. */
  NavigableMap<Long, ElfSymbol> functions(int section) {
    return functions.getOrDefault(section, Collections.emptyNavigableMap());
  }

  /** objtool's names for the space in front of a function, which is not part of it. */
  static boolean isPadding(String symbol) {
    return symbol.startsWith("__pfx_") || symbol.startsWith("__cfi_");
  }
}
