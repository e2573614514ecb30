package org.lucos.patcher.build.diff;

import java.util.ArrayList;
import java.util.List;
import org.lucos.patcher.build.diff.Fragment.Sharing;
import org.lucos.patcher.bytes.Bytes;
import org.lucos.patcher.elf.ElfFormat;
import org.lucos.patcher.elf.ElfSection;
import org.lucos.patcher.elf.ElfSymbol;

/** In which section of the image the parts go, and with what properties. */
final class FragmentShapes {
  /** Sections whose pieces the kernel walks as one array, or that are code for the taking. */
  private static boolean isGathered(Piece piece) {
    return piece.role() == SectionRole.CHUNKS || piece.section().name().equals("__dyndbg");
  }

  /** A piece whose content is still to come. */
  Fragment outline(Piece piece) {
    return piece(piece, Bytes.EMPTY, List.of());
  }

  Fragment piece(Piece piece, Bytes bytes, List<Fragment.Link> links) {
    ElfSection section = piece.section();
    boolean gathered = isGathered(piece);
    List<Fragment.Label> labels = new ArrayList<>();
    for (ElfSymbol symbol : piece.symbols()) {
      labels.add(
          new Fragment.Label(
              symbol.name(), symbol.value() - piece.start(), symbol.size(), symbol.type()));
    }
    return new Fragment(
        gathered ? section.name() : sectionName(piece),
        gathered ? Sharing.GATHERED : Sharing.ALONE,
        piece.start(),
        section.type(),
        Extractor.loadedFlags(section),
        alignment(piece),
        0,
        piece.size(),
        bytes,
        labels,
        links);
  }

  /** Code gets names the module loader takes for ordinary code, whatever it was. */
  private static String sectionName(Piece piece) {
    String own = piece.section().name();
    if (piece.isFunction()) {
      return (Changes.isCold(piece) ? ".text.unlikely." : ".text.") + piece.name();
    }
    if (piece.symbols().isEmpty()) {
      return (piece.section().isCode() ? ".text.unnamed" : own)
          + "."
          + Integer.toHexString(piece.start());
    }
    return own.endsWith("." + piece.name()) ? own : own + "." + piece.name();
  }

  private static long alignment(Piece piece) {
    long alignment = Math.max(1, piece.section().alignment());
    return piece.start() == 0
        ? alignment
        : Math.min(alignment, Integer.lowestOneBit(piece.start()));
  }

  Fragment entry(TableEntry entry, List<Fragment.Link> links) {
    return gathered(entry.section(), entry.index(), entry.bytes(), links);
  }

  /** What a parallel array has for an entry. */
  Fragment companion(TableEntry entry, ElfSection section) {
    return gathered(section, entry.index(), entry.companion(), List.of());
  }

  private static Fragment gathered(
      ElfSection section, int order, Bytes bytes, List<Fragment.Link> links) {
    return new Fragment(
        section.name(),
        Sharing.GATHERED,
        order,
        section.type(),
        Extractor.loadedFlags(section),
        Math.max(1, section.alignment()),
        section.entrySize(),
        bytes.size(),
        bytes,
        List.of(),
        links);
  }

  /** A value that is the same wherever it is. */
  Fragment merged(ElfSection section, Bytes bytes, long alignment) {
    String name = section.name();
    if (section.has(ElfFormat.SHF_STRINGS)) {
      name = ".rodata.str" + section.entrySize() + "." + alignment;
    } else if (section.has(ElfFormat.SHF_MERGE)) {
      name = ".rodata.cst" + section.entrySize();
    }
    return new Fragment(
        name,
        Sharing.MERGED,
        0,
        section.type(),
        Extractor.loadedFlags(section),
        section.has(ElfFormat.SHF_STRINGS) ? alignment : Math.max(1, section.alignment()),
        0,
        bytes.size(),
        bytes,
        List.of(),
        List.of());
  }
}
