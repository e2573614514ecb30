package org.lucos.patcher.elf;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.lucos.patcher.bytes.MalformedDataException;

/**
 * What must hold of an object file from elsewhere beyond its format, so that whatever uses it need
 * not ask: every byte belongs to one section, every symbol lies inside its section, every
 * relocation is one the kernel's loader knows and fits its field.
 */
public final class ElfChecks {
  /** Bytes that sections without content may ask for; kernel objects have some kilobytes. */
  private static final long MOST_ZEROS = 64L << 20;

  private static final long LARGEST_ALIGNMENT = 2 << 20;

  private ElfChecks() {}

  /**
   * Checks a relocatable object.
   *
   * @throws MalformedDataException if it is none, or one that no compiler makes
   */
  public static void requireSound(ElfObject object) {
    if (object.type() != ElfFormat.ET_REL) {
      throw new MalformedDataException(
          object.source(), 16, "not relocatable: type=" + object.type());
    }
    long zeros = 0;
    for (ElfSection section : object.sections()) {
      if (section.isNoBits()) {
        zeros += Math.min(section.size(), MOST_ZEROS + 1);
      }
      if (section.alignment() > LARGEST_ALIGNMENT || zeros > MOST_ZEROS) {
        throw malformed(
            object,
            section,
            0,
            "absurd: align=" + section.alignment() + ", size=" + section.size());
      }
      if (section.has(ElfFormat.SHF_COMPRESSED)) {
        throw malformed(object, section, 0, "compressed");
      }
      relocations(object, section);
    }
    overlaps(object);
    symbols(object);
  }

  private static void overlaps(ElfObject object) {
    List<ElfSection> filled = new ArrayList<>();
    for (ElfSection section : object.sections()) {
      if (!section.bytes().isEmpty()) {
        filled.add(section);
      }
    }
    filled.sort(Comparator.comparingLong(ElfSection::fileOffset));
    long end = ElfFormat.EHDR_SIZE;
    for (ElfSection section : filled) {
      if (section.fileOffset() < end) {
        throw malformed(
            object, section, section.fileOffset(), "begins inside of what is before it");
      }
      end = section.fileOffset() + section.bytes().size();
    }
  }

  private static void symbols(ElfObject object) {
    for (ElfSymbol symbol : object.symbols()) {
      if (symbol.section() == ElfSymbol.COMMON || symbol.section() == ElfSymbol.OTHER) {
        throw new MalformedDataException(
            object.source(), 0, "symbol in a reserved section: '" + symbol.name() + "'");
      }
      if (!symbol.isInSection()) {
        continue;
      }
      ElfSection section = object.section(symbol.section());
      long size = section.size();
      if (symbol.value() < 0
          || symbol.value() > size
          || symbol.size() < 0
          || symbol.size() > size - symbol.value()) {
        throw malformed(
            object, section, symbol.value(), "symbol outside of it: '" + symbol.name() + "'");
      }
    }
  }

  private static void relocations(ElfObject object, ElfSection section) {
    long end = 0;
    for (ElfRelocation relocation : object.relocations(section)) {
      if (!section.isAllocated()) {
        continue; // nobody applies them
      }
      RelocationType type = relocation.type();
      if (!type.isApplicable()) {
        throw malformed(
            object, section, relocation.offset(), "relocation no kernel knows: " + type);
      }
      if (type.width() == 4 && relocation.addend() != (int) relocation.addend()) {
        throw malformed(
            object,
            section,
            relocation.offset(),
            "relocation overflows: type=" + type + ", addend=" + relocation.addend());
      }
      if (type.width() > 0 && relocation.offset() < end) {
        throw malformed(object, section, relocation.offset(), "relocations overlap");
      }
      end = relocation.offset() + type.width();
    }
  }

  private static MalformedDataException malformed(
      ElfObject object, ElfSection section, long offset, String problem) {
    return new MalformedDataException(object.source() + " " + section.name(), offset, problem);
  }
}
