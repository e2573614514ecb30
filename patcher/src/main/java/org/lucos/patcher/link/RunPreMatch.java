package org.lucos.patcher.link;

import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.lucos.bridge.addr.AddressRange;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.bridge.memory.GuestMemory;
import org.lucos.bridge.memory.MemoryFaultException;
import org.lucos.patcher.elf.ElfFormat;
import org.lucos.patcher.elf.ElfRelocation;
import org.lucos.patcher.elf.ElfSection;
import org.lucos.patcher.elf.ElfSymbol;
import org.lucos.patcher.elf.SymbolBinding;
import org.lucos.patcher.elf.SymbolType;
import org.lucos.patcher.kernel.KernelSymbol;
import org.lucos.patcher.refusal.FitRefusal;
import org.lucos.patcher.refusal.RefusedException;

/**
 * Finds an object's sections in the running kernel, after Ksplice's run-pre matching (Arnold and
 * Kaashoek, EuroSys 2009). The linker keeps each input section in one piece, so one symbol with a
 * name that exists once tells where its section begins. What such symbols do not tell is read from
 * running code: a relocated place holds the address of its symbol. All witnesses must agree.
 */
final class RunPreMatch {
  /** Not kept, or not in one piece. */
  private static final List<String> NOT_KEPT =
      List.of(".discard", ".altinstr", ".note", ".export_symbol", "___ksymtab");

  private final ObjectImage object;
  private final Rewrites rewrites;
  private final CodeHome home;
  private final GuestMemory memory;
  private final Map<Integer, Long> bases = new HashMap<>();
  private final Map<Integer, String> witnesses = new HashMap<>();
  private final Map<String, Long> globals = new HashMap<>();

  /**
   * @param home where it runs; code of the object that lies elsewhere is gone
   */
  RunPreMatch(ObjectImage object, CodeHome home, GuestMemory memory) {
    this.object = object;
    this.rewrites = new Rewrites(object);
    this.home = home;
    this.memory = memory;
  }

  /**
   * Finds what can be found.
   *
   * @throws RefusedException if two witnesses contradict each other
   */
  MatchedObject match() {
    object.symbols().forEach(this::seed);
    Set<Integer> read = new HashSet<>();
    boolean more = true;
    while (more) {
      more = false;
      for (ElfSection section : object.sections()) {
        Long base = bases.get(section.index());
        if (base != null && isReadable(section, base) && read.add(section.index())) {
          spread(section, base);
          more = true;
        }
      }
    }
    object.symbols().forEach(this::checkName);
    return new MatchedObject(object, home, rewrites, bases, globals);
  }

  /** What the kernel has a name for must have that name where it was found. */
  private void checkName(ElfSymbol symbol) {
    Long base = bases.get(symbol.section());
    if (base == null
        || symbol.name().isEmpty()
        || symbol.binding() == SymbolBinding.WEAK
        || symbol.type() == SymbolType.SECTION) {
      return;
    }
    List<KernelSymbol> running = home.symbols().own(symbol.name());
    long address = base + symbol.value();
    if (!running.isEmpty()
        && running.stream().noneMatch(each -> each.address().value() == address)) {
      throw new RefusedException(
          new FitRefusal.SymbolNotResolved(
              symbol.name(),
              object.name()
                  + " would have it at "
                  + new GuestVirtualAddress(address)
                  + " by "
                  + witnesses.get(symbol.section())
                  + ", where the kernel has none of that name"));
    }
  }

  private void seed(ElfSymbol symbol) {
    if (symbol.name().isEmpty()
        || symbol.type() == SymbolType.SECTION
        || symbol.type() == SymbolType.FILE) {
      return;
    }
    List<KernelSymbol> running = home.symbols().own(symbol.name());
    if (symbol.isUndefined() || symbol.binding() == SymbolBinding.WEAK) {
      List<KernelSymbol> global = home.symbols().global(symbol.name());
      if (global.size() == 1) {
        globals.put(symbol.name(), global.get(0).address().value());
      }
    } else if (symbol.isInSection()
        && running.size() == 1
        && object.named(symbol.name()).size() == 1
        && isKept(object.section(symbol.section()))) {
      place(symbol.section(), running.get(0).address().value() - symbol.value(), symbol.name());
    }
  }

  private void place(int section, long base, String witness) {
    Long before = bases.putIfAbsent(section, base);
    if (before == null) {
      witnesses.put(section, witness);
    } else if (before != base) {
      throw new RefusedException(
          new FitRefusal.SymbolNotResolved(
              witness,
              object.name()
                  + " "
                  + object.section(section).name()
                  + " is at "
                  + new GuestVirtualAddress(base)
                  + " by it and at "
                  + new GuestVirtualAddress(before)
                  + " by "
                  + witnesses.get(section)));
    }
  }

  /** Reads from a section that has been found where those are that it refers to. */
  private void spread(ElfSection section, long base) {
    byte[] live;
    try {
      live = memory.bytes(new GuestVirtualAddress(base), (int) section.size());
    } catch (MemoryFaultException e) {
      return; // not code that runs; a function wanted in it will be missed by the comparison
    }
    for (ElfRelocation relocation : object.relocations(section.index()).values()) {
      ElfSymbol symbol = relocation.symbol();
      long at = relocation.offset();
      int width = relocation.type().width();
      if (!relocation.type().isApplicable()
          || width == 0
          || at + width > live.length
          || rewrites.covering(section.index(), at).isPresent()) {
        continue;
      }
      long value = Relocated.symbol(relocation, live, (int) at, base + at);
      String witness = section.name() + "+0x" + Long.toHexString(at);
      if (symbol.isUndefined() && !symbol.name().isEmpty()) {
        learn(symbol.name(), value);
      } else if (symbol.isInSection()
          && symbol.binding() != SymbolBinding.WEAK
          && !bases.containsKey(symbol.section())
          && isKept(object.section(symbol.section()))) {
        place(symbol.section(), value - symbol.value(), witness);
      }
    }
  }

  /** Takes the address of a symbol that has no name of its own, or several, in the kernel. */
  private void learn(String name, long value) {
    if (globals.containsKey(name)) {
      return; // checked by the comparison
    }
    List<KernelSymbol> candidates = home.symbols().any(name);
    boolean possible =
        candidates.isEmpty()
            || candidates.stream().anyMatch(each -> each.address().value() == value);
    if (possible) {
      globals.put(name, value);
    }
  }

  /** Whether the running kernel has the section as one piece. */
  private static boolean isKept(ElfSection section) {
    return section.isAllocated()
        && !section.has(ElfFormat.SHF_MERGE)
        && NOT_KEPT.stream().noneMatch(section.name()::startsWith);
  }

  private boolean isReadable(ElfSection section, long base) {
    if (section.isNoBits()
        || section.isWritable()
        || !section.isAllocated()
        || section.name().startsWith(".init")
        || section.name().startsWith(".exit")) {
      return false; // zeros, changing, or freed after boot
    }
    return !section.isCode() || isRunning(section, base).isPresent();
  }

  /** The running code that holds a section at an address. */
  private Optional<AddressRange> isRunning(ElfSection section, long base) {
    return home.text().stream()
        .filter(range -> range.contains(base) && range.contains(base + section.size() - 1))
        .findFirst();
  }
}
