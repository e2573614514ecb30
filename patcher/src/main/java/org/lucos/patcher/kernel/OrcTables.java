package org.lucos.patcher.kernel;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.lucos.bridge.addr.AddressRange;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.bridge.memory.GuestMemory;
import org.lucos.bridge.memory.MemoryFaultException;
import org.lucos.patcher.bytes.MalformedDataException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The unwind tables of a running kernel: that of vmlinux, which never changes, and those of the
 * modules that were loaded when they were read ({@code struct mod_arch_specific} in {@code
 * arch/x86/include/asm/module.h}).
 */
public final class OrcTables {
  private static final Logger LOG = LoggerFactory.getLogger(OrcTables.class);

  /** Fifty times what a kernel has today. */
  private static final long MOST_ENTRIES = 1L << 24;

  private final AddressRange text;
  private final OrcTable table;
  private final List<OfModule> modules;

  /** A module's code and table. */
  private record OfModule(AddressRange text, OrcTable table) {}

  private OrcTables(AddressRange text, OrcTable table, List<OfModule> modules) {
    this.text = text;
    this.table = table;
    this.modules = List.copyOf(modules);
  }

  /**
   * Reads the table of vmlinux, some 4 MB.
   *
   * @throws MalformedDataException if it does not follow its format
   */
  public static OrcTables read(GuestMemory memory, SymbolTable symbols, BtfTypes types) {
    AddressRange text = AddressRange.between(symbols.address("_stext"), symbols.address("_etext"));
    GuestVirtualAddress ips = symbols.address("__start_orc_unwind_ip");
    GuestVirtualAddress entries = symbols.address("__start_orc_unwind");
    OrcTable table =
        read(
            memory,
            "vmlinux ORC",
            OrcFormat.of(types),
            ips,
            entries,
            symbols.address("__stop_orc_unwind_ip").minus(ips) / 4);
    return new OrcTables(text, table, List.of());
  }

  /**
   * These tables with those of the modules now loaded, in place of those known before. A module
   * whose table cannot be read, as one that is just being loaded or unloaded, is left out: its code
   * then has no unwind data.
   */
  public OrcTables withModules(GuestMemory memory, BtfTypes types, List<LoadedModule> loaded) {
    StructLayout module = types.struct("module");
    Field count = module.field("arch.num_orcs");
    Field ips = module.field("arch.orc_unwind_ip");
    Field entries = module.field("arch.orc_unwind");
    OrcFormat format = OrcFormat.of(types);
    List<OfModule> found = new ArrayList<>();
    for (LoadedModule one : loaded) {
      Optional<AddressRange> code = one.part(LoadedModule.Kind.TEXT);
      if (code.isEmpty() || one.state() != LoadedModule.State.LIVE) {
        continue;
      }
      try {
        OrcTable orc =
            read(
                memory,
                "ORC of module " + one.name(),
                format,
                ips.readPointer(memory, one.struct()),
                entries.readPointer(memory, one.struct()),
                count.read(memory, one.struct()));
        found.add(new OfModule(code.get(), orc));
      } catch (MalformedDataException | MemoryFaultException e) {
        LOG.debug("no unwind data of module {}", one.name(), e);
      }
    }
    return new OrcTables(text, table, found);
  }

  private static OrcTable read(
      GuestMemory memory,
      String source,
      OrcFormat format,
      GuestVirtualAddress ips,
      GuestVirtualAddress entries,
      long count) {
    if (count < 0 || count > MOST_ENTRIES) {
      throw new MalformedDataException(source, 0, "absurd number of ORC entries: " + count);
    }
    byte[] ipBytes = new byte[(int) count * 4];
    byte[] entryBytes = new byte[(int) count * format.size()];
    if (count > 0) {
      memory.readAll(
          List.of(
              new GuestMemory.Slice(ips, ipBytes, 0, ipBytes.length),
              new GuestMemory.Slice(entries, entryBytes, 0, entryBytes.length)));
    }
    return OrcTable.parse(source, format, ips, ipBytes, entryBytes);
  }

  /**
   * How to unwind at an instruction; empty if it lies in no code with a table.
   *
   * @throws MalformedDataException if the entry found is not one
   */
  public Optional<OrcEntry> find(GuestVirtualAddress instruction) {
    if (text.contains(instruction)) {
      return table.find(instruction);
    }
    for (OfModule module : modules) {
      if (module.text().contains(instruction)) {
        return module.table().find(instruction);
      }
    }
    return Optional.empty();
  }

  /** How many entries there are for vmlinux. */
  public int size() {
    return table.size();
  }
}
