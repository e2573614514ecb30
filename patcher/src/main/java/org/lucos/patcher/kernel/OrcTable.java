package org.lucos.patcher.kernel;

import java.util.Arrays;
import java.util.Optional;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.patcher.bytes.ByteCursor;
import org.lucos.patcher.bytes.MalformedDataException;

/**
 * The ORC unwind table of vmlinux or of one module: for every place of its text, how to find the
 * caller's frame. Sorted by address in the guest (at build time for vmlinux, by {@code
 * unwind_module_init()} for modules); an unsorted one is refused.
 */
public final class OrcTable {
  private final String source;
  private final OrcFormat format;
  private final long base;
  private final int[] starts;
  private final byte[] entries;

  private OrcTable(String source, OrcFormat format, long base, int[] starts, byte[] entries) {
    this.source = source;
    this.format = format;
    this.base = base;
    this.starts = starts;
    this.entries = entries;
  }

  /**
   * Takes the two arrays apart.
   *
   * @param source what errors call the table
   * @param ipTable where the guest has the array of places: each element is a distance from itself
   *     ({@code orc_ip()} in {@code unwind_orc.c})
   * @param ips that array
   * @param entries the array of {@code struct orc_entry} beside it
   * @throws MalformedDataException if the arrays do not match or are not sorted
   */
  public static OrcTable parse(
      String source, OrcFormat format, GuestVirtualAddress ipTable, byte[] ips, byte[] entries) {
    int count = ips.length / 4;
    if (ips.length % 4 != 0 || (long) count * format.size() != entries.length) {
      throw new MalformedDataException(
          source,
          ips.length,
          "ORC arrays do not match: ips="
              + ips.length
              + " bytes, entries="
              + entries.length
              + " bytes of "
              + format.size());
    }
    long[] places = new long[count];
    ByteCursor cursor = new ByteCursor(source, ips);
    for (int i = 0; i < count; i++) {
      places[i] = ipTable.value() + 4L * i + cursor.i32();
      if (i > 0 && Long.compareUnsigned(places[i], places[i - 1]) < 0) {
        throw new MalformedDataException(source, 4L * i, "ORC places are not sorted");
      }
    }
    long base = count == 0 ? 0 : places[0];
    int[] starts = new int[count];
    for (int i = 0; i < count; i++) {
      long distance = places[i] - base;
      if (distance > Integer.MAX_VALUE) {
        throw new MalformedDataException(source, 4L * i, "ORC places are more than 2 GiB apart");
      }
      starts[i] = (int) distance;
    }
    return new OrcTable(source, format, base, starts, entries.clone());
  }

  /** How many entries it has. */
  public int size() {
    return starts.length;
  }

  /**
   * The entry for an instruction: the last one that starts at or before it. Of several with the
   * same start the last holds; those before are the weak ends of sections. Whether the address is
   * in text that this table describes is for the caller to know.
   *
   * @throws MalformedDataException if the entry found is not one
   */
  public Optional<OrcEntry> find(GuestVirtualAddress instruction) {
    long distance = instruction.value() - base;
    if (starts.length == 0 || distance < 0 || distance > Integer.MAX_VALUE) {
      return Optional.empty();
    }
    int at = lastNotAfter((int) distance);
    return Optional.of(format.decode(source, entries, at * format.size()));
  }

  private int lastNotAfter(int distance) {
    int found = Arrays.binarySearch(starts, distance);
    if (found < 0) {
      return -found - 2;
    }
    while (found + 1 < starts.length && starts[found + 1] == distance) {
      found++;
    }
    return found;
  }
}
