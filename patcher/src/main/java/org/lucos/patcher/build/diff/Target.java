package org.lucos.patcher.build.diff;

import org.lucos.patcher.bytes.Bytes;
import org.lucos.patcher.elf.ElfSection;

/** The exact place a relocation is about, whichever symbol the assembler chose to say so. */
sealed interface Target {

  /** A symbol defined elsewhere, and bytes behind it. */
  record External(String name, long offset) implements Target {}

  /** A place in a piece, in bytes from its start; its end is possible. */
  record Inside(Piece piece, long offset) implements Target {}

  /** A string literal, from the place on to its end. */
  record Literal(ElfSection section, int offset, Bytes text) implements Target {}

  /** An unnamed constant of a fixed size. */
  record Constant(ElfSection section, Bytes value) implements Target {}

  /** A number. */
  record Absolute(long value) implements Target {}

  /** A place in something no module has, such as a section for build tools. */
  record Nowhere(String what, long offset) implements Target {}
}
