package org.lucos.patcher.kernel;

import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.lucos.bridge.addr.AddressRange;
import org.lucos.bridge.addr.GuestVirtualAddress;

/**
 * A module of the guest's kernel, as it was when it was read. Its symbols are read when asked for.
 */
public final class LoadedModule {

  /** {@code enum module_state}. */
  public enum State {
    LIVE,
    COMING,
    GOING,
    UNFORMED
  }

  /** What a part of a module's memory holds. */
  public enum Kind {
    TEXT,
    RODATA,
    RO_AFTER_INIT,
    DATA,
    INIT_TEXT,
    INIT_RODATA,
    INIT_DATA
  }

  /**
   * A part of a module's memory.
   *
   * @param kind what it holds
   * @param range where it is; not empty
   */
  public record Part(Kind kind, AddressRange range) {}

  /**
   * What {@code struct module} says of a module.
   *
   * @param name its name
   * @param struct where its {@code struct module} is
   * @param state how far it has come
   * @param references how many hold it; {@code rmmod} takes it at 0
   * @param taints the bits of {@code TAINT_*} it brought
   * @param init its init function, or null
   * @param exit its exit function, or null: it then cannot be unloaded if it has an init function
   * @param parts its memory, ascending by kind
   * @param users the modules that use it
   */
  public record Facts(
      String name,
      GuestVirtualAddress struct,
      State state,
      int references,
      long taints,
      GuestVirtualAddress init,
      GuestVirtualAddress exit,
      List<Part> parts,
      List<String> users) {

    /** Copies the lists. */
    public Facts {
      parts = List.copyOf(parts);
      users = List.copyOf(users);
    }
  }

  private final Facts facts;
  private final Supplier<Symbols> symbolReader;
  private final Supplier<List<Section>> sectionReader;
  private @Nullable Symbols symbols;

  /**
   * Its symbol table.
   *
   * @param all every symbol that has a name, in the order of the table
   * @param global those of them that all of the module's C files see
   */
  record Symbols(List<KernelSymbol> all, List<KernelSymbol> global) {
    Symbols {
      all = List.copyOf(all);
      global = List.copyOf(global);
    }
  }

  /**
   * A section of the module's object file, as loaded.
   *
   * @param name such as {@code .text}
   * @param address where it was put
   */
  public record Section(String name, GuestVirtualAddress address) {}

  LoadedModule(Facts facts, Supplier<Symbols> symbolReader, Supplier<List<Section>> sectionReader) {
    this.facts = facts;
    this.symbolReader = symbolReader;
    this.sectionReader = sectionReader;
  }

  /** All that {@code struct module} says. */
  public Facts facts() {
    return facts;
  }

  /** Its name. */
  public String name() {
    return facts.name();
  }

  /** Where its {@code struct module} is. */
  public GuestVirtualAddress struct() {
    return facts.struct();
  }

  /** How far it has come. */
  public State state() {
    return facts.state();
  }

  /** How many hold it. */
  public int references() {
    return facts.references();
  }

  /** The modules that use it. */
  public List<String> users() {
    return facts.users();
  }

  /** Its memory. */
  public List<Part> parts() {
    return facts.parts();
  }

  /** The part of this kind, if it has one. */
  public Optional<AddressRange> part(Kind kind) {
    return facts.parts().stream().filter(part -> part.kind() == kind).map(Part::range).findFirst();
  }

  /** Whether an address lies in any part of it. */
  public boolean contains(GuestVirtualAddress address) {
    return facts.parts().stream().anyMatch(part -> part.range().contains(address));
  }

  /** Whether an address lies in its code. */
  public boolean containsText(GuestVirtualAddress address) {
    return facts.parts().stream()
        .filter(part -> part.kind() == Kind.TEXT || part.kind() == Kind.INIT_TEXT)
        .anyMatch(part -> part.range().contains(address));
  }

  /**
   * Its symbols in the order of its symbol table, which is the order of {@code sympos}; letters are
   * lower case whether a symbol is global or not. Read from the guest once.
   *
   * @throws org.lucos.patcher.bytes.MalformedDataException if the table is corrupt
   */
  public List<KernelSymbol> symbols() {
    return table().all();
  }

  /** Its symbols that all of its C files see, exported or not, in the order of its symbol table. */
  public List<KernelSymbol> globalSymbols() {
    return table().global();
  }

  private Symbols table() {
    Symbols known = symbols;
    if (known == null) {
      known = symbolReader.get();
      symbols = known;
    }
    return known;
  }

  /** Its symbols of this name, in the order of its symbol table. */
  public List<KernelSymbol> all(String name) {
    return symbols().stream().filter(symbol -> symbol.name().equals(name)).toList();
  }

  /** The symbol of its part that is closest before an address of this module, or at it. */
  public Optional<KernelSymbol> enclosing(GuestVirtualAddress address) {
    Optional<AddressRange> part =
        facts.parts().stream()
            .map(Part::range)
            .filter(range -> range.contains(address))
            .findFirst();
    KernelSymbol best = null;
    for (KernelSymbol symbol : part.isPresent() ? symbols() : List.<KernelSymbol>of()) {
      if (part.get().contains(symbol.address())
          && symbol.address().compareTo(address) <= 0
          && (best == null || symbol.address().compareTo(best.address()) > 0)) {
        best = symbol;
      }
    }
    return Optional.ofNullable(best);
  }

  /**
   * Where the sections of its object file were put, if the kernel keeps that (CONFIG_KALLSYMS and
   * sysfs).
   */
  public List<Section> sections() {
    return sectionReader.get();
  }

  @Override
  public String toString() {
    return facts.toString();
  }
}
