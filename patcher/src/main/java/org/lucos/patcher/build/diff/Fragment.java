package org.lucos.patcher.build.diff;

import com.google.common.collect.ImmutableList;
import java.util.List;
import java.util.Optional;
import org.lucos.patcher.bytes.Bytes;
import org.lucos.patcher.elf.RelocationType;
import org.lucos.patcher.elf.SymbolType;

/**
 * A part of the image to be: a function, a variable, a string, an entry of a table.
 *
 * @param section it goes to, or shares with others of that name
 * @param sharing how
 * @param order among those of its section that are gathered
 * @param type of the section, an {@code SHT_} number
 * @param flags of the section
 * @param alignment a power of two
 * @param entrySize of the section
 * @param size bytes in memory
 * @param bytes content; empty if it is all zeros and not stored
 * @param labels symbols in it
 * @param links fields in it that hold addresses
 */
record Fragment(
    String section,
    Sharing sharing,
    int order,
    int type,
    long flags,
    long alignment,
    long entrySize,
    int size,
    Bytes bytes,
    List<Label> labels,
    List<Link> links) {
  Fragment {
    labels = ImmutableList.copyOf(labels);
    links = ImmutableList.copyOf(links);
  }

  /** How fragments come to be in one section. */
  enum Sharing {
    /** It has a section of its own. */
    ALONE,
    /** One behind the other by ascending order, without gaps. */
    GATHERED,
    /** Equal ones are the same. */
    MERGED
  }

  /** A symbol at an offset. */
  record Label(String name, long offset, long size, SymbolType type) {}

  /**
   * A field that holds an address.
   *
   * @param offset in the fragment
   * @param type how it is computed
   * @param goal what address
   * @param addend added to it
   * @param branch whether it is the target of a direct call or jump
   */
  record Link(int offset, RelocationType type, Goal goal, long addend, boolean branch) {}

  /** What a link leads to. */
  sealed interface Goal {}

  /** Another fragment of the same extraction, by its index. */
  record InImage(int fragment) implements Goal {}

  /** A symbol no patched file has said anything about, unless another one of the patch does. */
  record Outside(String name) implements Goal {}

  /**
   * What the running kernel has of the C file's own.
   *
   * @param name in the original object
   */
  record InKernel(String name, Kind kind, boolean local) implements Goal {}

  /** What a symbol in the kernel is. */
  enum Kind {
    FUNCTION,
    OBJECT,
    PER_CPU
  }

  /** The address 0, to which the addend adds a number. */
  record Zero() implements Goal {}

  /** The label that names it. */
  Optional<Label> name() {
    return labels.stream().findFirst();
  }
}
