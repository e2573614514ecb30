package org.lucos.patcher.kernel;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.bridge.memory.GuestMemory;
import org.lucos.patcher.bytes.MalformedDataException;

/**
 * The symbols that a module exports to others: the tables {@code syms} and {@code gpl_syms} of
 * {@code struct module}. Each entry holds the distances of its name and value from where these
 * distances are (CONFIG_HAVE_ARCH_PREL32_RELOCATIONS).
 */
final class ModuleExports {
  private static final int MOST_SYMBOLS = 1 << 16;
  private static final int LONGEST_NAME = 512;

  private final GuestMemory memory;
  private final StructLayout module;
  private final StructLayout entry;

  ModuleExports(GuestMemory memory, BtfTypes types) {
    this.memory = memory;
    this.module = types.struct("module");
    this.entry = types.struct("kernel_symbol");
  }

  /**
   * What a module exports, in the order of its tables.
   *
   * @throws MalformedDataException if a table is not the module's own
   */
  List<KernelSymbol> of(LoadedModule owner) {
    return GuestLists.stable(
        () -> {
          List<KernelSymbol> exports = new ArrayList<>();
          read(owner, "syms", "num_syms", exports);
          read(owner, "gpl_syms", "num_gpl_syms", exports);
          return exports;
        });
  }

  private void read(LoadedModule owner, String table, String count, List<KernelSymbol> exports) {
    GuestVirtualAddress first = module.field(table).readPointer(memory, owner.struct());
    long entries = module.field(count).read(memory, owner.struct());
    if (entries == 0) {
      return;
    }
    String source = "guest exports of module " + owner.name();
    if (entries > MOST_SYMBOLS
        || !owner.contains(first)
        || !owner.contains(first.plus(entries * entry.size() - 1))) {
      throw new MalformedDataException(source, first.value(), "absurd table: entries=" + entries);
    }
    for (long i = 0; i < entries; i++) {
      GuestVirtualAddress at = first.plus(i * entry.size());
      GuestVirtualAddress name = near(at.plus(entry.offsetOf("name_offset")));
      GuestVirtualAddress value = near(at.plus(entry.offsetOf("value_offset")));
      if (!owner.contains(name)) {
        throw new MalformedDataException(source, at.value(), "name outside of the module");
      }
      exports.add(
          new KernelSymbol(
              memory.cString(name, LONGEST_NAME), value, 'T', Optional.of(owner.name())));
    }
  }

  private GuestVirtualAddress near(GuestVirtualAddress field) {
    return new GuestVirtualAddress(field.value() + memory.i32(field));
  }
}
