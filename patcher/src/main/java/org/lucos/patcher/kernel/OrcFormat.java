package org.lucos.patcher.kernel;

import java.util.List;
import java.util.Optional;
import org.lucos.patcher.bytes.MalformedDataException;

/**
 * The layout of one {@code struct orc_entry}, taken from the running kernel's BTF.
 *
 * <p>The bit fields moved, and the numbers of {@code type} were dealt anew, over time:
 *
 * <ul>
 *   <li>up to 6.2: {@code type} is 0 call, 1 regs, 2 partial regs; {@code end} with an undefined
 *       stack base ends the stack; regs of either kind mean a signal frame;
 *   <li>commit ffb1b4a41016 ("x86/unwind/orc: Add 'signal' field to ORC metadata", 6.3) adds {@code
 *       signal};
 *   <li>commit fb799447ae29 ("x86,objtool: Split UNWIND_HINT_EMPTY in two", 6.4) drops {@code end}
 *       and numbers {@code type} 0 undefined, 1 end of stack, 2 call, 3 regs, 4 partial regs.
 * </ul>
 *
 * The presence of {@code end} tells which numbers apply.
 *
 * @param size bytes of an entry
 * @param stackBase where {@code sp_reg} is
 * @param frameBase where {@code bp_reg} is
 * @param type where {@code type} is
 * @param signal where {@code signal} is, if there is one
 * @param end where {@code end} is, if there is one
 */
public record OrcFormat(
    int size,
    Bits stackBase,
    Bits frameBase,
    Bits type,
    Optional<Bits> signal,
    Optional<Bits> end) {
  private static final OrcEntry.Base[] BASES = OrcEntry.Base.values();

  /** By {@code type}, since 6.4. */
  private static final List<OrcEntry.Kind> KINDS = List.of(OrcEntry.Kind.values());

  /** By {@code type} where {@code end} exists. */
  private static final List<OrcEntry.Kind> EARLIER_KINDS =
      List.of(OrcEntry.Kind.CALL, OrcEntry.Kind.REGS, OrcEntry.Kind.REGS_PARTIAL);

  /** The widest entry that is still believed: today's has 6 bytes. */
  private static final int LARGEST = 16;

  /**
   * A bit field.
   *
   * @param offset its lowest bit, counted from the beginning of the entry
   * @param width bits, 1 to 8
   */
  public record Bits(int offset, int width) {

    /** The field's value in the entry that starts at {@code at}. */
    int of(byte[] data, int at) {
      int value = 0;
      for (int i = width - 1; i >= 0; i--) {
        int bit = offset + i;
        value = value << 1 | (data[at + (bit >> 3)] >> (bit & 7) & 1);
      }
      return value;
    }

    private boolean fits(int size) {
      return offset >= 0 && width >= 1 && width <= 8 && offset + width <= size * 8;
    }
  }

  /** Refuses fields that do not lie inside an entry. */
  public OrcFormat {
    boolean fits =
        size >= 4
            && size <= LARGEST
            && stackBase.fits(size)
            && frameBase.fits(size)
            && type.fits(size);
    for (Optional<Bits> field : List.of(signal, end)) {
      int bytes = size;
      fits &= field.map(bits -> bits.fits(bytes)).orElse(true);
    }
    if (!fits) {
      throw new MalformedDataException("struct orc_entry", 0, "fields outside of the entry");
    }
  }

  /**
   * The layout in a kernel.
   *
   * @throws org.lucos.patcher.refusal.RefusedException if it has no {@code struct orc_entry} of
   *     this kind
   */
  public static OrcFormat of(BtfTypes types) {
    StructLayout entry = types.struct("orc_entry");
    return new OrcFormat(
        (int) Math.min(entry.size(), LARGEST + 1),
        bits(entry.field("sp_reg")),
        bits(entry.field("bp_reg")),
        bits(entry.field("type")),
        entry.find("signal").map(OrcFormat::bits),
        entry.find("end").map(OrcFormat::bits));
  }

  private static Bits bits(Field field) {
    int width = field.isBitField() ? field.bitWidth() : (int) field.size() * 8;
    return new Bits((int) field.offset() * 8 + field.bitShift(), width);
  }

  /**
   * Decodes the entry at {@code at} of a table.
   *
   * @throws MalformedDataException if it has a base or type that does not exist
   */
  OrcEntry decode(String source, byte[] data, int at) {
    int stack = stackBase.of(data, at);
    int frame = frameBase.of(data, at);
    if (stack >= BASES.length || frame >= BASES.length) {
      throw new MalformedDataException(
          source, at, "unknown base register: sp_reg=" + stack + ", bp_reg=" + frame);
    }
    OrcEntry.Kind kind = kind(source, data, at, BASES[stack]);
    boolean implied = kind == OrcEntry.Kind.REGS || kind == OrcEntry.Kind.REGS_PARTIAL;
    return new OrcEntry(
        BASES[stack],
        signed16(data, at),
        BASES[frame],
        signed16(data, at + 2),
        kind,
        signal.map(bits -> bits.of(data, at) != 0).orElse(implied));
  }

  private OrcEntry.Kind kind(String source, byte[] data, int at, OrcEntry.Base stack) {
    if (end.isPresent() && stack == OrcEntry.Base.UNDEFINED) {
      return end.get().of(data, at) != 0 ? OrcEntry.Kind.END_OF_STACK : OrcEntry.Kind.UNDEFINED;
    }
    List<OrcEntry.Kind> kinds = end.isPresent() ? EARLIER_KINDS : KINDS;
    int number = type.of(data, at);
    if (number >= kinds.size()) {
      throw new MalformedDataException(source, at, "unknown ORC type: type=" + number);
    }
    return kinds.get(number);
  }

  private static int signed16(byte[] data, int at) {
    return (short) ((data[at] & 0xff) | data[at + 1] << 8);
  }
}
