package org.lucos.patcher.elf;

import java.util.Optional;

/**
 * Relocations of x86-64 (System V ABI, AMD64 supplement, table 4.9). S is the symbol's address, A
 * the addend, P the address of the field. Those the kernel's module loader applies
 * (arch/x86/kernel/module.c, {@code __write_relocate_add}) can be applied here with the same
 * overflow checks; the others are only known by name.
 */
public enum RelocationType {
  NONE(0, 0, Formula.NOTHING, Range.ANY),
  ABS_64(1, 8, Formula.ABSOLUTE, Range.ANY),
  PC32(2, 4, Formula.RELATIVE, Range.SIGNED_32),
  GOT32(3),
  /** To the kernel's loader, the same as {@link #PC32}: modules have no linkage table. */
  PLT32(4, 4, Formula.RELATIVE, Range.SIGNED_32),
  COPY(5),
  GLOB_DAT(6),
  JUMP_SLOT(7),
  RELATIVE(8),
  GOTPCREL(9),
  ABS_32(10, 4, Formula.ABSOLUTE, Range.UNSIGNED_32),
  ABS_32S(11, 4, Formula.ABSOLUTE, Range.SIGNED_32),
  ABS_16(12),
  PC16(13),
  ABS_8(14),
  PC8(15),
  DTPMOD64(16),
  DTPOFF64(17),
  TPOFF64(18),
  TLSGD(19),
  TLSLD(20),
  DTPOFF32(21),
  GOTTPOFF(22),
  TPOFF32(23),
  PC64(24, 8, Formula.RELATIVE, Range.ANY),
  GOTOFF64(25),
  GOTPC32(26),
  GOT64(27),
  GOTPCREL64(28),
  GOTPC64(29),
  GOTPLT64(30),
  PLTOFF64(31),
  SIZE32(32),
  SIZE64(33),
  GOTPC32_TLSDESC(34),
  TLSDESC_CALL(35),
  TLSDESC(36),
  IRELATIVE(37),
  RELATIVE64(38),
  GOTPCRELX(41),
  REX_GOTPCRELX(42);

  private enum Formula {
    NOTHING,
    ABSOLUTE,
    RELATIVE,
    UNKNOWN
  }

  private enum Range {
    ANY,
    SIGNED_32,
    UNSIGNED_32
  }

  private final int number;
  private final int width;
  private final Formula formula;
  private final Range range;

  RelocationType(int number) {
    this(number, 0, Formula.UNKNOWN, Range.ANY);
  }

  RelocationType(int number, int width, Formula formula, Range range) {
    this.number = number;
    this.width = width;
    this.formula = formula;
    this.range = range;
  }

  /** The type with this ELF number. */
  public static Optional<RelocationType> of(long number) {
    for (RelocationType type : values()) {
      if (type.number == number) {
        return Optional.of(type);
      }
    }
    return Optional.empty();
  }

  /** As stored in the lower half of {@code r_info}. */
  public int number() {
    return number;
  }

  /** Bytes of the field: 0, 4 or 8. Only where {@link #isApplicable()}. */
  public int width() {
    return width;
  }

  /** Whether the kernel's module loader knows it, and so {@link #apply} does. */
  public boolean isApplicable() {
    return formula != Formula.UNKNOWN;
  }

  /** Whether the value depends on where the field lies. */
  public boolean isPcRelative() {
    return formula == Formula.RELATIVE;
  }

  /** What the field holds: S + A, or S + A - P; not yet cut to the field's width. */
  public long value(long symbol, long addend, long place) {
    return switch (formula) {
      case NOTHING -> 0;
      case ABSOLUTE -> symbol + addend;
      case RELATIVE -> symbol + addend - place;
      case UNKNOWN -> throw new IllegalArgumentException("cannot be applied: type=" + this);
    };
  }

  /** Whether a value can be stored without losing bits the processor would miss. */
  public boolean fits(long value) {
    return switch (range) {
      case ANY -> true;
      case SIGNED_32 -> value == (int) value;
      case UNSIGNED_32 -> value == (value & 0xffff_ffffL);
    };
  }

  /**
   * Writes the field.
   *
   * @param data where to
   * @param offset of the field in {@code data}
   * @param symbol S
   * @param addend A
   * @param place P, the address the field has when the code runs
   * @throws RelocationOverflowException if the value does not fit
   */
  public void apply(byte[] data, int offset, long symbol, long addend, long place) {
    long value = value(symbol, addend, place);
    if (offset < 0 || offset > data.length - width) {
      throw new IndexOutOfBoundsException(
          "field outside of data: offset=" + offset + ", width=" + width + ", size=" + data.length);
    }
    if (!fits(value)) {
      throw new RelocationOverflowException(this, symbol, addend, place);
    }
    for (int i = 0; i < width; i++) {
      data[offset + i] = (byte) (value >>> (8 * i));
    }
  }
}
