package org.lucos.patcher.kernel;

import com.google.common.collect.ImmutableMap;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import org.lucos.bridge.addr.AddressRange;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.bridge.memory.GuestMemory;
import org.lucos.patcher.bytes.MalformedDataException;

/**
 * Places in the guest's code that tables of the kernel and its modules refer to: the kernel
 * rewrites them while it runs, or looks them up by address when they fault. Tables that are used
 * only at boot (alternatives, return thunks) are freed then and not in the guest.
 *
 * <p>Read once: entries of vmlinux never change, those of modules come and go with them.
 */
public final class StaticSites {
  private static final int MOST_ENTRIES = 1 << 20;

  /** What a table says of a place. */
  public enum Kind {
    /** A branch that is switched on and off ({@code __jump_table}). */
    JUMP_LABEL,
    /** Where such a branch leads. */
    JUMP_LABEL_TARGET,
    /** A call whose target is rewritten ({@code .static_call_sites}). */
    STATIC_CALL,
    /** An instruction that may fault ({@code __ex_table}). */
    EXCEPTION,
    /** Where the kernel goes on when it did. */
    EXCEPTION_FIXUP,
    /** A WARN or BUG ({@code __bug_table}). */
    BUG
  }

  /**
   * A place a table refers to.
   *
   * @param kind what the table says of it
   * @param range the bytes that the kernel rewrites, the two of a trapping instruction, or the
   *     first of an instruction that is a branch target or may fault
   */
  public record Site(Kind kind, AddressRange range) {}

  private final GuestMemory memory;
  private final BtfTypes types;
  private final Map<Kind, long[]> sites = new EnumMap<>(Kind.class);

  private StaticSites(GuestMemory memory, BtfTypes types) {
    this.memory = memory;
    this.types = types;
  }

  /** The tables of vmlinux and of these modules. */
  static StaticSites read(
      GuestMemory memory, SymbolTable symbols, BtfTypes types, List<LoadedModule> modules) {
    StaticSites sites = new StaticSites(memory, types);
    for (Table table : Table.values()) {
      sites.add(table, Bounds.ofVmlinux(symbols, table, types.struct(table.struct).size()));
      for (LoadedModule module : modules) {
        sites.add(table, Bounds.ofModule(memory, types.struct("module"), module, table));
      }
    }
    sites.sites.values().forEach(Arrays::sort);
    return sites;
  }

  /** Every place in a range, or reaching into it. */
  public List<Site> touching(AddressRange range) {
    List<Site> found = new ArrayList<>();
    sites.forEach(
        (kind, addresses) -> {
          // the longest site is a conditional tail call of 6 bytes
          long from = range.start().value() - 5;
          int at = Arrays.binarySearch(addresses, from);
          at = at < 0 ? -at - 1 : at;
          while (at > 0 && addresses[at - 1] == from) {
            at--;
          }
          for (; at < addresses.length && addresses[at] < range.end().value(); at++) {
            Site site = new Site(kind, extent(kind, new GuestVirtualAddress(addresses[at])));
            if (site.range().overlaps(range)) {
              found.add(site);
            }
          }
        });
    return found;
  }

  /** How many places of a kind there are. */
  public int count(Kind kind) {
    long[] known = sites.get(kind);
    return known == null ? 0 : known.length;
  }

  private AddressRange extent(Kind kind, GuestVirtualAddress at) {
    int size =
        switch (kind) {
          case JUMP_LABEL -> isShortJump(at) ? 2 : 5;
          case STATIC_CALL -> isConditionalJump(at) ? 6 : 5;
          case BUG -> 2;
          case JUMP_LABEL_TARGET, EXCEPTION, EXCEPTION_FIXUP -> 1;
        };
    return new AddressRange(at, size);
  }

  /** Jump labels take two bytes where the target is near: {@code jmp rel8} or a two-byte NOP. */
  private boolean isShortJump(GuestVirtualAddress at) {
    int first = memory.u8(at);
    return first == 0xeb || (first == 0x66 && memory.u8(at.plus(1)) == 0x90);
  }

  /** Tail calls may hang on a condition: {@code 0f 8x} and four bytes. */
  private boolean isConditionalJump(GuestVirtualAddress at) {
    return memory.u8(at) == 0x0f && (memory.u8(at.plus(1)) & 0xf0) == 0x80;
  }

  private void add(Table table, Bounds bounds) {
    if (bounds.count() == 0) {
      return;
    }
    StructLayout layout = types.struct(table.struct);
    int size = (int) layout.size();
    byte[] data = memory.bytes(bounds.start(), bounds.count() * size);
    table.members.forEach(
        (kind, name) -> {
          int member = (int) layout.field(name).offset();
          long[] known = sites.getOrDefault(kind, new long[0]);
          long[] all = Arrays.copyOf(known, known.length + bounds.count());
          for (int entry = 0; entry < bounds.count(); entry++) {
            int at = entry * size + member;
            // all of these tables hold distances from where the distance itself is
            all[known.length + entry] = bounds.start().value() + at + Little.i32(data, at);
          }
          sites.put(kind, all);
        });
  }

  /** The tables: their entries, the symbols around them, and where a module has its own. */
  private enum Table {
    JUMP(
        "jump_entry",
        "___jump_table",
        "jump_entries",
        "num_jump_entries",
        ImmutableMap.of(Kind.JUMP_LABEL, "code", Kind.JUMP_LABEL_TARGET, "target")),
    CALL(
        "static_call_site",
        "_static_call_sites",
        "static_call_sites",
        "num_static_call_sites",
        ImmutableMap.of(Kind.STATIC_CALL, "addr")),
    EXCEPTION(
        "exception_table_entry",
        "___ex_table",
        "extable",
        "num_exentries",
        ImmutableMap.of(Kind.EXCEPTION, "insn", Kind.EXCEPTION_FIXUP, "fixup")),
    BUG(
        "bug_entry",
        "___bug_table",
        "bug_table",
        "num_bugs",
        ImmutableMap.of(Kind.BUG, "bug_addr_disp"));

    private final String struct;
    private final String symbol;
    private final String start;
    private final String count;
    private final ImmutableMap<Kind, String> members;

    Table(
        String struct,
        String symbol,
        String start,
        String count,
        ImmutableMap<Kind, String> members) {
      this.struct = struct;
      this.symbol = symbol;
      this.start = start;
      this.count = count;
      this.members = members;
    }
  }

  /** Where a table begins and how many entries it has. */
  private record Bounds(GuestVirtualAddress start, int count) {
    private Bounds {
      if (count < 0 || count > MOST_ENTRIES) {
        throw new MalformedDataException("guest tables", start.value(), "absurd size: " + count);
      }
    }

    static Bounds ofVmlinux(SymbolTable symbols, Table table, long size) {
      GuestVirtualAddress start = symbols.address("__start" + table.symbol);
      long bytes = symbols.address("__stop" + table.symbol).minus(start);
      return new Bounds(start, (int) Math.min(bytes / size, Integer.MAX_VALUE));
    }

    static Bounds ofModule(
        GuestMemory memory, StructLayout struct, LoadedModule module, Table table) {
      GuestVirtualAddress start = struct.field(table.start).readPointer(memory, module.struct());
      int count = (int) struct.field(table.count).read(memory, module.struct());
      if (count != 0 && !module.contains(start)) {
        throw new MalformedDataException(
            "guest module " + module.name(), start.value(), "table outside of the module");
      }
      return new Bounds(start, count);
    }
  }
}
