package org.lucos.patcher.kernel;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import org.lucos.bridge.addr.AddressRange;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.patcher.bytes.MalformedDataException;
import org.lucos.patcher.bytes.NameIndex;
import org.lucos.patcher.refusal.FitRefusal;
import org.lucos.patcher.refusal.RefusedException;

/**
 * All symbols of a running vmlinux, in address order, without those of modules (see {@link
 * LoadedModule#symbols()}). Held in a few primitive arrays: kernels have 80,000 to 200,000 symbols,
 * and few are ever looked at.
 *
 * <p>Per-CPU symbols are offsets in each CPU's area, which KASLR does not move; they sort before
 * all others.
 */
public final class SymbolTable {
  /** Offsets as the kernel keeps them, see {@link #rawAddress}. */
  private final int[] offsets;

  private final boolean signed;
  private final long base;

  /** For each symbol its type letter and its name, one after the other. */
  private final byte[] pool;

  /** Where each symbol's letter is in the pool, and the pool's end. */
  private final int[] starts;

  private final NameIndex index;

  /**
   * Takes the arrays as they are.
   *
   * @param source what errors call them
   * @param offsets one a symbol
   * @param signed whether offsets of 0 and more are absolute and negative ones count from base - 1;
   *     otherwise they are unsigned and count from base
   * @param base the run-time address offsets refer to
   * @param pool type letter and name of each symbol
   * @param starts where each is in the pool, ascending, and the end of the pool: one more than
   *     there are symbols
   * @throws MalformedDataException if the arrays do not fit together or addresses do not ascend
   */
  SymbolTable(String source, int[] offsets, boolean signed, long base, byte[] pool, int[] starts) {
    this.offsets = offsets;
    this.signed = signed;
    this.base = base;
    this.pool = pool;
    this.starts = starts;
    check(source);
    index = new NameIndex(offsets.length);
    for (int i = offsets.length - 1; i >= 0; i--) {
      index.add(NameIndex.hash(pool, starts[i] + 1, starts[i + 1]), i);
    }
  }

  /** A table that has been checked before. */
  private SymbolTable(Stored stored, long slide) {
    this.offsets = stored.offsets();
    this.signed = stored.signed();
    this.base = stored.base() + slide;
    this.pool = stored.pool();
    this.starts = stored.starts();
    this.index = NameIndex.restored(stored.index());
  }

  private void check(String source) {
    if (starts.length != offsets.length + 1 || starts[0] != 0) {
      throw new MalformedDataException(source, 0, "symbol arrays of different sizes");
    }
    long previous = 0;
    for (int i = 0; i < offsets.length; i++) {
      // a type letter and at least one more character
      if (starts[i + 1] < starts[i] + 2 || starts[i + 1] > pool.length) {
        throw new MalformedDataException(source, i, "symbol without a name");
      }
      long address = rawAddress(i);
      if (Long.compareUnsigned(address, previous) < 0) {
        throw new MalformedDataException(source, i, "symbol addresses do not ascend");
      }
      previous = address;
    }
  }

  /**
   * A table of these symbols, in address order; symbols of one address stay in the order given.
   *
   * @throws MalformedDataException if a name is empty or kernel addresses are more than 2 GiB apart
   */
  public static SymbolTable of(List<KernelSymbol> symbols) {
    List<KernelSymbol> sorted = new ArrayList<>(symbols);
    sorted.sort(Comparator.comparing(KernelSymbol::address));
    long base =
        sorted.stream()
            .map(KernelSymbol::address)
            .filter(GuestVirtualAddress::isKernel)
            .findFirst()
            .map(GuestVirtualAddress::value)
            .orElse(0L);
    int[] offsets = new int[sorted.size()];
    int[] starts = new int[sorted.size() + 1];
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < sorted.size(); i++) {
      KernelSymbol symbol = sorted.get(i);
      long value = symbol.address().value();
      long offset = symbol.address().isKernel() ? base - 1 - value : value;
      if (offset != (int) offset) {
        throw new MalformedDataException("symbols", i, "address too far from the others");
      }
      offsets[i] = (int) offset;
      text.append(symbol.type()).append(symbol.name());
      starts[i + 1] = text.length();
    }
    byte[] pool = text.toString().getBytes(StandardCharsets.ISO_8859_1);
    return new SymbolTable("symbols", offsets, true, base, pool, starts);
  }

  /** How many there are. */
  public int size() {
    return offsets.length;
  }

  /** The symbol at a place in address order, from 0. */
  public KernelSymbol get(int index) {
    int start = starts[index];
    String name =
        new String(pool, start + 1, starts[index + 1] - start - 1, StandardCharsets.ISO_8859_1);
    return new KernelSymbol(
        name, new GuestVirtualAddress(rawAddress(index)), (char) pool[start], Optional.empty());
  }

  /**
   * The address of the one symbol of this name.
   *
   * @throws RefusedException if there is none, or several
   */
  public GuestVirtualAddress address(String name) {
    return find(name)
        .map(KernelSymbol::address)
        .orElseThrow(
            () -> new RefusedException(new FitRefusal.SymbolNotResolved(name, "no such symbol")));
  }

  /**
   * The one symbol of this name, if there is one.
   *
   * @throws RefusedException if there are several
   */
  public Optional<KernelSymbol> find(String name) {
    List<KernelSymbol> found = all(name);
    if (found.size() > 1) {
      throw new RefusedException(
          new FitRefusal.SymbolNotResolved(name, found.size() + " symbols have this name"));
    }
    return found.stream().findFirst();
  }

  /**
   * Every symbol of this name in address order. The position in the list, from 1, is what livepatch
   * calls {@code sympos}.
   */
  public List<KernelSymbol> all(String name) {
    byte[] wanted = name.getBytes(StandardCharsets.ISO_8859_1);
    List<KernelSymbol> found = new ArrayList<>();
    int at = index.first(NameIndex.hash(wanted, 0, wanted.length));
    for (; at != NameIndex.NONE; at = index.next(at)) {
      if (named(at, wanted)) {
        found.add(get(at));
      }
    }
    return found;
  }

  /**
   * The symbol whose range holds a kernel address; of several at one address the first. Empty
   * before the first symbol of the image and after its last.
   */
  public Optional<KernelSymbol> enclosing(GuestVirtualAddress address) {
    int index = lastUpTo(address.value());
    if (!address.isKernel() || index < 0 || rawAddress(index) >= 0) {
      return Optional.empty();
    }
    long start = rawAddress(index);
    if (index == offsets.length - 1 && start != address.value()) {
      return Optional.empty();
    }
    while (index > 0 && rawAddress(index - 1) == start) {
      index--;
    }
    return Optional.of(get(index));
  }

  /**
   * From a symbol of this table up to the next symbol with a greater address, padding included; the
   * last symbol's range is empty.
   */
  public AddressRange range(KernelSymbol symbol) {
    int index = lastUpTo(symbol.address().value());
    if (index < 0 || rawAddress(index) != symbol.address().value()) {
      throw new RefusedException(
          new FitRefusal.SymbolNotResolved(symbol.name(), "no vmlinux symbol at its address"));
    }
    return index + 1 == offsets.length
        ? new AddressRange(symbol.address(), 0)
        : AddressRange.between(symbol.address(), new GuestVirtualAddress(rawAddress(index + 1)));
  }

  /** Every symbol whose address lies in a range, in address order. */
  public List<KernelSymbol> within(AddressRange range) {
    List<KernelSymbol> found = new ArrayList<>();
    int index = range.start().isNull() ? 0 : lastUpTo(range.start().value() - 1) + 1;
    for (; index < offsets.length && range.contains(rawAddress(index)); index++) {
      found.add(get(index));
    }
    return found;
  }

  /** The address of the symbol at {@code index}; the encodings of kernel/kallsyms.c. */
  private long rawAddress(int index) {
    int offset = offsets[index];
    if (!signed) {
      return base + Integer.toUnsignedLong(offset);
    }
    return offset >= 0 ? offset : base - 1 - offset;
  }

  /** The last index whose address is not after {@code address}; -1 if there is none. */
  private int lastUpTo(long address) {
    int low = 0;
    int high = offsets.length;
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (Long.compareUnsigned(rawAddress(middle), address) <= 0) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low - 1;
  }

  private boolean named(int index, byte[] wanted) {
    int start = starts[index] + 1;
    if (starts[index + 1] - start != wanted.length) {
      return false;
    }
    for (int i = 0; i < wanted.length; i++) {
      if (pool[start + i] != wanted[i]) {
        return false;
      }
    }
    return true;
  }

  /** A table from a cache, with the slide of this boot. */
  static SymbolTable restored(Stored stored, long slide) {
    return new SymbolTable(stored, slide);
  }

  /** The arrays, for a cache; the base with {@code slide} taken off. */
  Stored stored(long slide) {
    return new Stored(offsets, signed, base - slide, pool, starts, index.stored());
  }

  /** What a cache keeps of a table. */
  @SuppressWarnings("ArrayRecordComponent")
  record Stored(
      int[] offsets,
      boolean signed,
      long base,
      byte[] pool,
      int[] starts,
      NameIndex.Stored index) {}
}
