package org.lucos.patcher.elf;

import java.util.HashMap;
import java.util.Map;
import org.lucos.patcher.bytes.MalformedDataException;

/** Copies of relocatable files with less in them. */
public final class ElfCopy {
  private ElfCopy() {}

  /**
   * The file without debug information ({@code .debug*}), compiler comments, section groups and the
   * symbols of the dropped sections. What is loaded into memory stays as it is, section by section.
   */
  public static byte[] withoutDebug(ElfObject object) {
    if (object.type() != ElfFormat.ET_REL) {
      throw new IllegalArgumentException("not relocatable: " + object.source());
    }
    ElfBuilder builder = new ElfBuilder();
    Map<Integer, ElfBuilder.Section> sections = new HashMap<>();
    for (ElfSection section : object.sections()) {
      if (isKept(section)) {
        sections.put(section.index(), copy(builder, section));
      }
    }
    for (ElfSection section : object.sections()) {
      ElfBuilder.Section from = sections.get(section.index());
      ElfBuilder.Section to = sections.get(section.link());
      if (from != null && to != null) {
        from.link(to);
      }
    }
    Map<ElfSymbol, ElfBuilder.Symbol> symbols = new HashMap<>();
    for (ElfSymbol symbol : object.symbols()) {
      ElfBuilder.Section section = sections.get(symbol.section());
      if (symbol.index() == 0 || (symbol.isInSection() && section == null)) {
        continue;
      }
      if (symbol.type() == SymbolType.SECTION && section != null) {
        symbols.put(symbol, builder.sectionSymbol(section));
      } else {
        symbols.put(symbol, builder.copy(symbol, section));
      }
    }
    for (ElfSection section : object.sections()) {
      ElfBuilder.Section target = sections.get(section.index());
      if (target != null) {
        for (ElfRelocation relocation : object.relocations(section)) {
          ElfBuilder.Symbol symbol = symbols.get(relocation.symbol());
          if (symbol == null && relocation.symbol().index() != 0) {
            throw new MalformedDataException(
                object.source() + " " + section.name(),
                relocation.offset(),
                "refers to debug information");
          }
          builder.relocation(
              target, relocation.offset(), relocation.type(), symbol, relocation.addend());
        }
      }
    }
    return builder.build();
  }

  private static boolean isKept(ElfSection section) {
    return switch (section.type()) {
      case ElfFormat.SHT_NULL,
          ElfFormat.SHT_SYMTAB,
          ElfFormat.SHT_STRTAB,
          ElfFormat.SHT_RELA,
          ElfFormat.SHT_GROUP,
          ElfFormat.SHT_SYMTAB_SHNDX ->
          false;
      default -> !section.name().startsWith(".debug") && !section.name().equals(".comment");
    };
  }

  private static ElfBuilder.Section copy(ElfBuilder builder, ElfSection section) {
    long flags = section.flags() & ~ElfFormat.SHF_GROUP;
    return section.isNoBits()
        ? builder.noBits(section.name(), flags, section.alignment(), section.size())
        : builder.section(
            section.name(),
            section.type(),
            flags,
            section.alignment(),
            section.entrySize(),
            section.bytes());
  }
}
