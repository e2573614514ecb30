package org.lucos.patcher.build.diff;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.lucos.patcher.bytes.Bytes;
import org.lucos.patcher.bytes.MalformedDataException;
import org.lucos.patcher.elf.ElfRelocation;
import org.lucos.patcher.elf.ElfSection;

/**
 * Cuts a table into entries. The length of an entry is the distance between the first relocations
 * of two neighbours; a table of one entry is that entry.
 */
final class TableReader {
  private final ObjectModel model;
  private final TableFormat format;
  private final ElfSection section;
  private final List<ElfRelocation> relocations;

  TableReader(ObjectModel model, TableFormat format, ElfSection section) {
    this.model = model;
    this.format = format;
    this.section = section;
    this.relocations = model.object().relocations(section);
  }

  List<TableEntry> read() {
    List<TableEntry> entries = new ArrayList<>();
    int size = (int) section.size();
    if (size == 0) {
      return entries;
    }
    int step = entrySize(size);
    int count = relocations.size() / format.relocations();
    Bytes companion = companion(count);
    int companionStep = companion.size() / count;
    for (int i = 0; i < count; i++) {
      int start = i * step;
      List<Reference> references = new ArrayList<>();
      for (int j = 0; j < format.relocations(); j++) {
        Reference reference =
            model.reference(section, relocations.get(i * format.relocations() + j), start);
        boolean replacement = format == TableFormat.ALTERNATIVES && j == 1;
        references.add(
            replacement ? replacement(reference, references.get(0), start, step) : reference);
      }
      if (!(references.get(0).target() instanceof Target.Inside owner)) {
        throw malformed(start, "entry about no code");
      }
      Bytes bytes = section.bytes().slice(start, start + step);
      entries.add(
          new TableEntry(
              format,
              section,
              i,
              owner.piece(),
              ObjectModel.masked(bytes, references),
              references,
              companion.slice(i * companionStep, (i + 1) * companionStep)));
    }
    return entries;
  }

  private int entrySize(int size) {
    int perEntry = format.relocations();
    if (relocations.isEmpty() || relocations.size() % perEntry != 0) {
      throw malformed(0, "unexpected number of relocations: count=" + relocations.size());
    }
    int count = relocations.size() / perEntry;
    if (size % count != 0) {
      throw malformed(0, "entries of different size: size=" + size + ", count=" + count);
    }
    int step = size / count;
    for (int i = 0; i < relocations.size(); i++) {
      long start = (long) (i / perEntry) * step;
      ElfRelocation relocation = relocations.get(i);
      boolean first = i % perEntry == 0;
      if (relocation.offset() < start
          || relocation.offset() + relocation.type().width() > start + step
          || (first && relocation.offset() != start)) {
        throw malformed(relocation.offset(), "relocation where no entry has one");
      }
    }
    return step;
  }

  /**
   * An alternative's replacement is as long as the last byte of its entry says (replacementlen of
   * struct alt_instr); the cut at the next one's start must agree. An empty one shares its place
   * with the next, which it must not drag in; the kernel does not look where it points.
   */
  private Reference replacement(Reference reference, Reference place, int start, int step) {
    int length = section.bytes().at(start + step - 1);
    if (length == 0) {
      return new Reference(
          reference.offset(), reference.type(), place.target(), reference.delta(), false);
    }
    if (!(reference.target() instanceof Target.Inside inside)
        || inside.offset() != 0
        || inside.piece().size() != length) {
      throw malformed(start, "replacement is not as long as its entry says: length=" + length);
    }
    return reference;
  }

  private Bytes companion(int count) {
    if (format != TableFormat.ORC) {
      return Bytes.EMPTY;
    }
    Optional<ElfSection> data = model.object().section(TableFormat.ORC_DATA);
    Bytes bytes = data.map(ElfSection::bytes).orElse(Bytes.EMPTY);
    if (bytes.isEmpty() || bytes.size() % count != 0) {
      throw malformed(0, "not as many as in " + TableFormat.ORC_DATA + ": count=" + count);
    }
    return bytes;
  }

  private MalformedDataException malformed(long offset, String problem) {
    return new MalformedDataException(
        model.object().source() + " " + section.name(), offset, problem);
  }
}
