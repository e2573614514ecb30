package org.lucos.patcher.kernel;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.lucos.bridge.addr.AddressRange;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.patcher.bytes.MalformedDataException;
import org.lucos.patcher.kernel.LoadedModule.Kind;
import org.lucos.patcher.kernel.LoadedModule.Part;

/** Where {@code struct module} says the module's memory is. */
sealed interface ModuleMemory {
  /** More than all of the address space for modules. */
  long LARGEST = 1L << 31;

  /** The parts of a module that are there, from its {@code struct module}. */
  List<Part> parts(GuestVirtualAddress struct, byte[] data);

  /** The layout that this kernel has. */
  static ModuleMemory of(BtfTypes types, StructLayout module) {
    return module.find("mem").isPresent() ? new ByType(types, module) : new TwoBlocks(module);
  }

  /** A part, unless it is empty. */
  private static Optional<Part> part(
      GuestVirtualAddress struct, Kind kind, long base, long from, long to) {
    if (base == 0 || from == to) {
      return Optional.empty();
    }
    // as signed numbers, kernel addresses are negative: base + to must not reach 0
    if (base >= 0 || from > to || to > LARGEST || base + to >= 0) {
      throw new MalformedDataException(
          "guest struct module", struct.value(), "absurd memory of a module");
    }
    return Optional.of(
        new Part(kind, new AddressRange(new GuestVirtualAddress(base + from), to - from)));
  }

  /**
   * Until 6.3: one block for good and one for init, each in the order text, rodata, rodata after
   * init, data; with the offsets where these end ({@code struct module_layout}).
   */
  final class TwoBlocks implements ModuleMemory {
    private final StructLayout module;

    private TwoBlocks(StructLayout module) {
      this.module = module;
    }

    @Override
    public List<Part> parts(GuestVirtualAddress struct, byte[] data) {
      List<Part> parts = new ArrayList<>();
      block(
          parts,
          struct,
          data,
          "core_layout",
          Kind.TEXT,
          Kind.RODATA,
          Kind.RO_AFTER_INIT,
          Kind.DATA);
      block(
          parts,
          struct,
          data,
          "init_layout",
          Kind.INIT_TEXT,
          Kind.INIT_RODATA,
          Kind.INIT_RODATA,
          Kind.INIT_DATA);
      return parts;
    }

    private void block(
        List<Part> parts, GuestVirtualAddress struct, byte[] data, String name, Kind... kinds) {
      String[] ends = {"text_size", "ro_size", "ro_after_init_size", "size"};
      long base = module.field(name + ".base").read(data, 0);
      long from = 0;
      for (int i = 0; i < ends.length; i++) {
        // an init block has no part that becomes read-only later, and 0 as its end
        long to = Math.max(from, module.field(name + "." + ends[i]).read(data, 0));
        part(struct, kinds[i], base, from, to).ifPresent(parts::add);
        from = to;
      }
    }
  }

  /** Since 6.4: a block for each type ({@code struct module_memory mem[MOD_MEM_NUM_TYPES]}). */
  final class ByType implements ModuleMemory {
    private final StructLayout module;
    private final Map<Kind, String> blocks = new EnumMap<>(Kind.class);

    private ByType(BtfTypes types, StructLayout module) {
      this.module = module;
      for (Kind kind : Kind.values()) {
        blocks.put(kind, "mem[" + types.enumerator("MOD_" + kind.name()) + "]");
      }
    }

    @Override
    public List<Part> parts(GuestVirtualAddress struct, byte[] data) {
      List<Part> parts = new ArrayList<>();
      blocks.forEach(
          (kind, block) -> {
            long base = module.field(block + ".base").read(data, 0);
            long size = module.field(block + ".size").read(data, 0);
            part(struct, kind, base, 0, size).ifPresent(parts::add);
          });
      return parts;
    }
  }
}
