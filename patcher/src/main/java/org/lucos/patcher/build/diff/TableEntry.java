package org.lucos.patcher.build.diff;

import com.google.common.collect.ImmutableList;
import java.util.List;
import org.lucos.patcher.bytes.Bytes;
import org.lucos.patcher.elf.ElfSection;

/**
 * One entry of a table.
 *
 * @param format of the table
 * @param section it is in
 * @param index of the entry in that section
 * @param owner the code the entry is about
 * @param bytes of the entry, fields of references zero
 * @param references offsets count from the entry's start
 * @param companion what a parallel array has for it; empty where there is none
 */
record TableEntry(
    TableFormat format,
    ElfSection section,
    int index,
    Piece owner,
    Bytes bytes,
    List<Reference> references,
    Bytes companion) {
  TableEntry {
    references = ImmutableList.copyOf(references);
  }

  /** Where in the owner the entry points, in bytes from its start. */
  long place() {
    return references.get(0).target() instanceof Target.Inside inside ? inside.offset() : 0;
  }
}
