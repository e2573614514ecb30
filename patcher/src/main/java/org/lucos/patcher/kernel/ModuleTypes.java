package org.lucos.patcher.kernel;

import java.util.Optional;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.bridge.memory.GuestMemory;
import org.lucos.patcher.bytes.MalformedDataException;

/**
 * The BTF of modules, which the kernel keeps when it loads them ({@code btf_modules} in
 * kernel/bpf/btf.c; {@code struct module} itself forgets it).
 */
final class ModuleTypes {
  private static final String SOURCE = "guest btf_modules";
  private static final int MOST = 1 << 14;
  private static final long LARGEST = 1L << 26;

  private final GuestMemory memory;
  private final SymbolTable symbols;
  private final BtfTypes types;

  ModuleTypes(GuestMemory memory, SymbolTable symbols, BtfTypes types) {
    this.memory = memory;
    this.symbols = symbols;
    this.types = types;
  }

  Optional<BtfTypes> of(LoadedModule module) {
    return GuestLists.stable(() -> read(module));
  }

  private Optional<BtfTypes> read(LoadedModule module) {
    Optional<KernelSymbol> head = symbols.find("btf_modules");
    if (head.isEmpty()) {
      return Optional.empty();
    }
    StructLayout entry = types.struct("btf_module");
    for (GuestVirtualAddress node : GuestLists.ring(memory, SOURCE, head.get().address(), MOST)) {
      GuestVirtualAddress struct = node.plus(-entry.offsetOf("list"));
      if (entry.field("module").readPointer(memory, struct).equals(module.struct())) {
        GuestVirtualAddress btf = entry.field("btf").readPointer(memory, struct);
        GuestLists.requireObject(SOURCE, struct, btf);
        return Optional.of(parse(module, btf));
      }
    }
    return Optional.empty();
  }

  private BtfTypes parse(LoadedModule module, GuestVirtualAddress btf) {
    StructLayout layout = types.struct("btf");
    GuestVirtualAddress data = layout.field("data").readPointer(memory, btf);
    long size = layout.field("data_size").read(memory, btf);
    if (size > LARGEST) {
      throw new MalformedDataException(SOURCE, btf.value(), "absurd size: " + size);
    }
    return types.withModule("guest BTF of " + module.name(), memory.bytes(data, (int) size));
  }
}
