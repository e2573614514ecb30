package org.lucos.patcher.build.diff;

import com.google.common.collect.ImmutableList;
import java.util.List;
import org.lucos.patcher.bytes.Bytes;
import org.lucos.patcher.elf.ElfSection;
import org.lucos.patcher.elf.ElfSymbol;

/**
 * A part of a section that is compared and taken as a whole: a function with the padding before it,
 * a variable, an unnamed constant, a replacement of an alternative. Two pieces are the same only if
 * they are one object.
 */
final class Piece {
  /** What a piece is to whoever refers to it. */
  enum Kind {
    /** Code with a name. */
    FUNCTION,
    /** Data with a name that stands for one place in the kernel. */
    VARIABLE,
    /** Read-only data that is nothing but its content. */
    CONSTANT,
    /** Code without a name. */
    CHUNK,
    /** Writable data without a name. */
    UNNAMED
  }

  private final ElfSection section;
  private final SectionRole role;
  private final Kind kind;
  private final int start;
  private final int end;
  private final ImmutableList<ElfSymbol> symbols;
  private final String name;
  private final long entry;

  /**
   * @param symbols that lie inside, the one that names the piece first; may be empty
   */
  Piece(
      ElfSection section,
      SectionRole role,
      Kind kind,
      int start,
      int end,
      List<ElfSymbol> symbols) {
    this.section = section;
    this.role = role;
    this.kind = kind;
    this.start = start;
    this.end = end;
    this.symbols = ImmutableList.copyOf(symbols);
    this.name =
        symbols.isEmpty()
            ? section.name() + "+0x" + Integer.toHexString(start)
            : symbols.get(0).name();
    this.entry = symbols.isEmpty() ? 0 : symbols.get(0).value() - start;
  }

  ElfSection section() {
    return section;
  }

  SectionRole role() {
    return role;
  }

  Kind kind() {
    return kind;
  }

  /** First byte, in the section. */
  int start() {
    return start;
  }

  /** Behind the last byte, in the section. */
  int end() {
    return end;
  }

  int size() {
    return end - start;
  }

  /** Its symbols, the one that names it first. */
  List<ElfSymbol> symbols() {
    return symbols;
  }

  /** The first symbol; only of pieces that have one. */
  ElfSymbol symbol() {
    return symbols.get(0);
  }

  String name() {
    return name;
  }

  /** Where in the piece its first symbol points. */
  long entry() {
    return entry;
  }

  boolean isFunction() {
    return kind == Kind.FUNCTION;
  }

  /** Whether it is compared by content rather than by name. */
  boolean isContent() {
    return kind == Kind.CONSTANT || kind == Kind.CHUNK;
  }

  /** Its bytes; zeros for what is not stored. */
  Bytes bytes() {
    return section.isNoBits() ? Bytes.zeros(size()) : section.bytes().slice(start, end);
  }

  @Override
  public String toString() {
    return name;
  }
}
