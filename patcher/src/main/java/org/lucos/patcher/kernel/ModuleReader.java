package org.lucos.patcher.kernel;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.lucos.bridge.addr.AddressRange;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.bridge.memory.GuestMemory;
import org.lucos.patcher.bytes.MalformedDataException;
import org.lucos.patcher.kernel.LoadedModule.Facts;
import org.lucos.patcher.kernel.LoadedModule.Part;
import org.lucos.patcher.kernel.LoadedModule.Section;
import org.lucos.patcher.kernel.LoadedModule.State;

/** Reads the list of modules (kernel/module/internal.h, include/linux/module.h). */
final class ModuleReader {
  private static final String SOURCE = "guest module list";
  private static final int MOST_MODULES = 1 << 14;
  private static final int MOST_USERS = MOST_MODULES;
  private static final int MOST_SECTIONS = 1 << 12;
  private static final int LARGEST_STRUCT = 1 << 16;
  private static final long LARGEST_TABLE = 1L << 26;
  private static final int LONGEST_NAME = 512;
  private static final int ELF_SYMBOL = 24;

  private final GuestMemory memory;
  private final GuestVirtualAddress head;
  private final BtfTypes types;
  private final StructLayout module;
  private final ModuleMemory layout;
  private final Field list;
  private final Map<Long, State> states = new HashMap<>();

  ModuleReader(GuestMemory memory, SymbolTable symbols, BtfTypes types) {
    this.memory = memory;
    this.types = types;
    this.head = symbols.address("modules");
    this.module = types.struct("module");
    this.layout = ModuleMemory.of(types, module);
    this.list = module.field("list");
    for (State state : State.values()) {
      states.put(types.enumerator("MODULE_STATE_" + state.name()), state);
    }
    if (module.size() > LARGEST_STRUCT) {
      throw new MalformedDataException("guest BTF", 0, "absurd size of struct module");
    }
  }

  /** Every module that has taken shape, the last loaded first. */
  List<LoadedModule> all() {
    return GuestLists.stable(this::read);
  }

  private List<LoadedModule> read() {
    Map<GuestVirtualAddress, byte[]> structs = new LinkedHashMap<>();
    Map<GuestVirtualAddress, String> names = new LinkedHashMap<>();
    for (GuestVirtualAddress node : GuestLists.ring(memory, SOURCE, head, MOST_MODULES)) {
      GuestVirtualAddress struct = node.plus(-list.offset());
      byte[] data = memory.bytes(struct, (int) module.size());
      structs.put(struct, data);
      names.put(struct, name(data));
    }
    List<LoadedModule> modules = new ArrayList<>();
    structs.forEach(
        (struct, data) -> {
          State state = state(struct, data);
          // such a module has a name and a place in the list, and nothing else yet
          if (state != State.UNFORMED) {
            modules.add(module(struct, data, state, names));
          }
        });
    return modules;
  }

  private LoadedModule module(
      GuestVirtualAddress struct,
      byte[] data,
      State state,
      Map<GuestVirtualAddress, String> names) {
    List<String> users = new ArrayList<>();
    StructLayout use = types.struct("module_use");
    for (GuestVirtualAddress node :
        GuestLists.ring(memory, SOURCE, struct.plus(module.offsetOf("source_list")), MOST_USERS)) {
      GuestVirtualAddress user =
          use.field("source").readPointer(memory, node.plus(-use.offsetOf("source_list")));
      String name = names.get(user);
      if (name == null) {
        throw new MalformedDataException(SOURCE, node.value(), "used by no module");
      }
      users.add(name);
    }
    String name = name(data);
    List<Part> parts = layout.parts(struct, data);
    Facts facts =
        new Facts(
            name,
            struct,
            state,
            // MODULE_REF_BASE is held by the module itself
            (int) module.field("refcnt").read(data, 0) - 1,
            module.field("taints").read(data, 0),
            new GuestVirtualAddress(module.field("init").read(data, 0)),
            new GuestVirtualAddress(module.find("exit").map(exit -> exit.read(data, 0)).orElse(0L)),
            parts,
            users);
    GuestVirtualAddress kallsyms = new GuestVirtualAddress(module.field("kallsyms").read(data, 0));
    Optional<GuestVirtualAddress> sections =
        module.find("sect_attrs").map(field -> new GuestVirtualAddress(field.read(data, 0)));
    return new LoadedModule(
        facts,
        () -> GuestLists.stable(() -> symbols(name, kallsyms, parts)),
        () -> GuestLists.stable(() -> sections(sections)));
  }

  private State state(GuestVirtualAddress struct, byte[] data) {
    long value = module.field("state").read(data, 0);
    State state = states.get(value);
    if (state == null) {
      throw new MalformedDataException(SOURCE, struct.value(), "unknown state: " + value);
    }
    return state;
  }

  private String name(byte[] data) {
    Field name = module.field("name");
    int from = (int) name.offset();
    int length = 0;
    while (length < name.size() && data[from + length] != 0) {
      length++;
    }
    return new String(data, from, length, StandardCharsets.ISO_8859_1);
  }

  /** Reads the {@code struct mod_kallsyms} of a module: an ELF symbol table and type letters. */
  private LoadedModule.Symbols symbols(String name, GuestVirtualAddress at, List<Part> parts) {
    String source = "guest symbols of module " + name;
    GuestLists.requireObject(source, at, at);
    StructLayout table = types.struct("mod_kallsyms");
    GuestVirtualAddress entries = table.field("symtab").readPointer(memory, at);
    GuestVirtualAddress strings = table.field("strtab").readPointer(memory, at);
    GuestVirtualAddress letters = table.field("typetab").readPointer(memory, at);
    long count = table.field("num_symtab").read(memory, at);
    byte[] symbols = memory.bytes(entries, inside(source, parts, entries, count * ELF_SYMBOL));
    byte[] types = memory.bytes(letters, inside(source, parts, letters, count));
    AddressRange pool = partOf(source, parts, strings);
    long end = 0;
    for (int i = 0; i < count; i++) {
      end = Math.max(end, Integer.toUnsignedLong(Little.i32(symbols, i * ELF_SYMBOL)));
    }
    int length =
        (int) Math.min(Math.min(end + LONGEST_NAME, LARGEST_TABLE), pool.end().minus(strings));
    byte[] text = memory.bytes(strings, length);
    List<KernelSymbol> found = new ArrayList<>((int) count);
    List<KernelSymbol> global = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      long start = Integer.toUnsignedLong(Little.i32(symbols, i * ELF_SYMBOL));
      String symbol = cString(source, text, start);
      if (!symbol.isEmpty()) {
        found.add(
            new KernelSymbol(
                symbol,
                new GuestVirtualAddress(Little.u64(symbols, i * ELF_SYMBOL + 8)),
                (char) (types[i] & 0xff),
                Optional.of(name)));
        // st_info: the binding is in the upper half, and 0 for what one C file has to itself
        if ((symbols[i * ELF_SYMBOL + 4] & 0xf0) != 0) {
          global.add(found.get(found.size() - 1));
        }
      }
    }
    return new LoadedModule.Symbols(found, global);
  }

  private static String cString(String source, byte[] text, long start) {
    int end = (int) Math.min(start, text.length);
    while (end < text.length && text[end] != 0) {
      end++;
    }
    if (end == text.length) {
      throw new MalformedDataException(source, start, "symbol name outside of the strings");
    }
    return new String(text, (int) start, end - (int) start, StandardCharsets.ISO_8859_1);
  }

  private static int inside(String source, List<Part> parts, GuestVirtualAddress at, long length) {
    AddressRange part = partOf(source, parts, at);
    if (length > part.end().minus(at) || length > LARGEST_TABLE) {
      throw new MalformedDataException(source, at.value(), "symbols outside of the module");
    }
    return (int) length;
  }

  private static AddressRange partOf(String source, List<Part> parts, GuestVirtualAddress at) {
    return parts.stream()
        .map(Part::range)
        .filter(range -> range.contains(at))
        .findFirst()
        .orElseThrow(
            () -> new MalformedDataException(source, at.value(), "symbols outside of the module"));
  }

  /**
   * Reads the attributes behind {@code /sys/module/NAME/sections} (kernel/module/sysfs.c). Until
   * 6.13 each stands in a {@code struct module_sect_attr} with the address, since then the address
   * is the attribute's own {@code private}.
   */
  private List<Section> sections(Optional<GuestVirtualAddress> at) {
    List<Section> sections = new ArrayList<>();
    if (at.isEmpty() || at.get().isNull()) {
      return sections;
    }
    String source = "guest module sections";
    GuestLists.requireObject(source, head, at.get());
    Field group = types.struct("module_sect_attrs").field("grp.bin_attrs");
    Field name = types.struct("bin_attribute").field("attr.name");
    Field address =
        types
            .findStruct("module_sect_attr")
            .map(attribute -> attribute.field("address"))
            .orElseGet(() -> types.struct("bin_attribute").field("private"));
    GuestVirtualAddress array = group.readPointer(memory, at.get());
    GuestLists.requireObject(source, at.get(), array);
    for (int i = 0; ; i++) {
      GuestVirtualAddress attribute = memory.pointer(array.plus(i * 8L));
      if (attribute.isNull()) {
        return sections;
      }
      GuestLists.requireObject(source, array, attribute);
      if (i == MOST_SECTIONS) {
        throw new MalformedDataException(source, array.value(), "sections do not end");
      }
      sections.add(
          new Section(
              memory.cString(name.readPointer(memory, attribute), LONGEST_NAME),
              address.readPointer(memory, attribute)));
    }
  }
}
