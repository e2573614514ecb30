package org.lucos.patcher.kernel;

import java.util.Arrays;
import java.util.stream.Stream;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.bridge.memory.GuestMemory;
import org.lucos.patcher.bytes.ByteCursor;
import org.lucos.patcher.bytes.MalformedDataException;

/**
 * The kernel's compressed symbol table, decoded. Format: scripts/kallsyms.c writes,
 * kernel/kallsyms.c reads. Names are runs of token numbers, one length byte before each (two if the
 * first has its top bit set, since 6.1); the first character of a name is its type. Where the
 * tables are is named by VMCOREINFO, so their order in memory, which changes between kernels, does
 * not matter.
 */
public final class Kallsyms {
  private static final String SOURCE = "guest kallsyms";
  private static final int MOST_SYMBOLS = 1 << 22;

  /** {@code KSYM_NAME_LEN}, the longest name the kernel can hold, and the type before it. */
  private static final int LONGEST_NAME = 512 + 1;

  private static final int TOKENS = 256;
  private static final int MOST_NAME_BYTES = 1 << 26;
  private static final int MOST_TOKEN_BYTES = 1 << 16;

  private Kallsyms() {}

  /**
   * Reads and decodes the table.
   *
   * @throws MalformedDataException if the tables do not follow the format, or do not have {@code
   *     _stext} where VMCOREINFO says it is
   */
  public static SymbolTable read(GuestMemory memory, VmcoreInfo info) {
    long count = memory.u32(info.symbol("kallsyms_num_syms"));
    if (count == 0 || count > MOST_SYMBOLS) {
      throw new MalformedDataException(SOURCE, 0, "absurd number of symbols: " + count);
    }
    GuestVirtualAddress tokenTable = info.symbol("kallsyms_token_table");
    GuestVirtualAddress tokenIndex = info.symbol("kallsyms_token_index");
    long tokenBytes = tokenIndex.minus(tokenTable);
    if (tokenBytes <= 0 || tokenBytes > MOST_TOKEN_BYTES) {
      throw new MalformedDataException(SOURCE, 0, "absurd token table: bytes=" + tokenBytes);
    }
    Tables tables =
        new Tables(
            (int) count,
            names(memory, info),
            memory.bytes(tokenTable, (int) tokenBytes),
            memory.bytes(tokenIndex, TOKENS * 2),
            memory.bytes(info.symbol("kallsyms_offsets"), (int) count * 4),
            memory.u64(info.symbol("kallsyms_relative_base")));
    return decode(tables, info.symbol("_stext"));
  }

  /** The names, and what lies between them and the table that follows. */
  private static byte[] names(GuestMemory memory, VmcoreInfo info) {
    GuestVirtualAddress start = info.symbol("kallsyms_names");
    long length =
        Stream.of("num_syms", "token_table", "offsets", "relative_base")
            .mapToLong(table -> info.symbol("kallsyms_" + table).minus(start))
            .filter(distance -> distance > 0 && distance < MOST_NAME_BYTES)
            .min()
            .orElseThrow(() -> new MalformedDataException(SOURCE, 0, "no table after the names"));
    return memory.bytes(start, (int) length);
  }

  /** The raw tables. */
  @SuppressWarnings("ArrayRecordComponent")
  record Tables(
      int count,
      byte[] names,
      byte[] tokenTable,
      byte[] tokenIndex,
      byte[] offsets,
      long relativeBase) {}

  /** Decodes tables that were read; {@code stext} decides between the address encodings. */
  static SymbolTable decode(Tables tables, GuestVirtualAddress stext) {
    int count = tables.count();
    byte[][] tokens = tokens(tables);
    byte[] names = tables.names();
    byte[] pool = new byte[count * 24 + LONGEST_NAME];
    int[] starts = new int[count + 1];
    int end = 0;
    int in = 0;
    for (int i = 0; i < count; i++) {
      starts[i] = end;
      if (in + 1 >= names.length) {
        throw new MalformedDataException(SOURCE + "_names", in, "names end early");
      }
      int length = names[in++] & 0xff;
      if (length >= 0x80) {
        length = (length & 0x7f) | ((names[in++] & 0xff) << 7);
      }
      if (length == 0 || length > names.length - in) {
        throw new MalformedDataException(SOURCE + "_names", in, "bad name length: " + length);
      }
      if (pool.length - end < LONGEST_NAME) {
        if (end > MOST_NAME_BYTES) {
          throw new MalformedDataException(SOURCE + "_names", in, "names without end");
        }
        pool = Arrays.copyOf(pool, pool.length + pool.length / 2);
      }
      int limit = end + LONGEST_NAME;
      for (int stop = in + length; in < stop; in++) {
        byte[] token = tokens[names[in] & 0xff];
        if (token.length > limit - end) {
          throw new MalformedDataException(SOURCE + "_names", in, "name too long");
        }
        for (byte b : token) {
          pool[end++] = b;
        }
      }
    }
    starts[count] = end;
    return addressed(tables, Arrays.copyOf(pool, end), starts, stext);
  }

  private static byte[][] tokens(Tables tables) {
    ByteCursor index = new ByteCursor(SOURCE + "_token_index", tables.tokenIndex());
    ByteCursor table = new ByteCursor(SOURCE + "_token_table", tables.tokenTable());
    byte[][] tokens = new byte[TOKENS][];
    for (int i = 0; i < TOKENS; i++) {
      table.seek(index.u16());
      int start = table.position();
      table.cString();
      int length = table.position() - start - 1;
      tokens[i] = table.seek(start).bytes(length);
    }
    return tokens;
  }

  /**
   * Tells the encodings apart by where they put {@code _stext}: with absolute per-CPU symbols
   * (CONFIG_KALLSYMS_ABSOLUTE_PERCPU, SMP kernels before 6.15) offsets are signed, else unsigned.
   */
  private static SymbolTable addressed(
      Tables tables, byte[] pool, int[] starts, GuestVirtualAddress stext) {
    ByteCursor cursor = new ByteCursor(SOURCE + "_offsets", tables.offsets());
    int[] offsets = new int[tables.count()];
    boolean anyNegative = false;
    for (int i = 0; i < offsets.length; i++) {
      offsets[i] = cursor.i32();
      anyNegative |= offsets[i] < 0;
    }
    SymbolTable table =
        new SymbolTable(SOURCE, offsets, anyNegative, tables.relativeBase(), pool, starts);
    boolean agrees =
        table.all("_stext").stream().anyMatch(symbol -> symbol.address().equals(stext));
    if (!agrees) {
      throw new MalformedDataException(SOURCE, 0, "_stext is not where VMCOREINFO says it is");
    }
    return table;
  }
}
