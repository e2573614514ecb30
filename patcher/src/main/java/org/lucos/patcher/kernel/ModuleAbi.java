package org.lucos.patcher.kernel;

import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.bridge.memory.GuestMemory;
import org.lucos.patcher.bytes.MalformedDataException;
import org.lucos.patcher.refusal.FitRefusal;
import org.lucos.patcher.refusal.RefusedException;

/** What a module image must carry for the guest's loader to accept it. */
public final class ModuleAbi {
  private static final int LONGEST_VERMAGIC = 256;
  private static final int LONGEST_SYMBOL = 512;
  private static final long LARGEST_TABLE = 1L << 24;

  private final GuestMemory memory;
  private final SymbolTable symbols;
  private final BtfTypes types;
  private final String release;

  ModuleAbi(GuestMemory memory, SymbolTable symbols, BtfTypes types, String release) {
    this.memory = memory;
    this.symbols = symbols;
    this.types = types;
    this.release = release;
  }

  /**
   * The text that {@code .modinfo} must have as {@code vermagic}: release and configuration (the
   * variable {@code vermagic} in kernel/module/main.c).
   *
   * @throws RefusedException if the kernel has none that names its release
   */
  public String vermagic() {
    return symbols.all("vermagic").stream()
        .map(symbol -> memory.cString(symbol.address(), LONGEST_VERMAGIC))
        .filter(text -> text.startsWith(release + " "))
        .findFirst()
        .orElseThrow(
            () ->
                new RefusedException(
                    new FitRefusal.SymbolNotResolved("vermagic", "no text that names " + release)));
  }

  /**
   * The CRC of {@code module_layout}, which {@code __versions} must have; empty if the kernel keeps
   * no CRCs (CONFIG_MODVERSIONS).
   */
  public OptionalLong moduleLayoutCrc() {
    return crc("module_layout");
  }

  /**
   * The CRC of a symbol that vmlinux exports; empty if it exports none of this name, or keeps no
   * CRCs.
   */
  public OptionalLong crc(String symbol) {
    OptionalLong plain = crc(symbol, "");
    return plain.isPresent() ? plain : crc(symbol, "_gpl");
  }

  /** Bytes of {@code struct module}, the size of section {@code .gnu.linkonce.this_module}. */
  public long structModuleSize() {
    return types.struct("module").size();
  }

  /** Where the name is in {@code struct module}, and how many bytes it may take. */
  public Field name() {
    return types.struct("module").field("name");
  }

  /** Looks a symbol up in one of the two export tables, which the linker sorts by name. */
  private OptionalLong crc(String symbol, String table) {
    Optional<KernelSymbol> start = symbols.find("__start___ksymtab" + table);
    Optional<KernelSymbol> crcs = symbols.find("__start___kcrctab" + table);
    if (start.isEmpty() || crcs.isEmpty()) {
      return OptionalLong.empty();
    }
    StructLayout entry = types.struct("kernel_symbol");
    Field nameOffset = entry.field("name_offset");
    GuestVirtualAddress first = start.get().address();
    long bytes = symbols.address("__stop___ksymtab" + table).minus(first);
    if (bytes < 0 || bytes > LARGEST_TABLE) {
      throw new MalformedDataException("guest __ksymtab" + table, 0, "absurd size: " + bytes);
    }
    int count = (int) (bytes / entry.size());
    // without CONFIG_MODVERSIONS the table of CRCs is there, and empty
    if (nextBoundary(crcs.get()).minus(crcs.get().address()) < count * 4L) {
      return OptionalLong.empty();
    }
    int low = 0;
    int high = count;
    while (low < high) {
      int middle = (low + high) >>> 1;
      GuestVirtualAddress at = first.plus(middle * entry.size()).plus(nameOffset.offset());
      String name =
          memory.cString(new GuestVirtualAddress(at.value() + memory.i32(at)), LONGEST_SYMBOL);
      int order = name.compareTo(symbol);
      if (order == 0) {
        return OptionalLong.of(memory.u32(crcs.get().address().plus(middle * 4L)));
      }
      if (order < 0) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return OptionalLong.empty();
  }

  /** Where the table that begins at a symbol ends at the latest. */
  private GuestVirtualAddress nextBoundary(KernelSymbol start) {
    List<KernelSymbol> stop = symbols.all(start.name().replace("__start_", "__stop_"));
    return stop.isEmpty() ? symbols.range(start).end() : stop.get(0).address();
  }
}
