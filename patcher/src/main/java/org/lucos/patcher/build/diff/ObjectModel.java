package org.lucos.patcher.build.diff;

import com.google.common.collect.ListMultimap;
import com.google.common.collect.MultimapBuilder;
import java.util.BitSet;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.NavigableSet;
import java.util.Set;
import java.util.TreeSet;
import org.lucos.patcher.bytes.Bytes;
import org.lucos.patcher.bytes.MalformedDataException;
import org.lucos.patcher.elf.ElfFormat;
import org.lucos.patcher.elf.ElfObject;
import org.lucos.patcher.elf.ElfRelocation;
import org.lucos.patcher.elf.ElfSection;
import org.lucos.patcher.elf.ElfSymbol;
import org.lucos.patcher.elf.RelocationType;
import org.lucos.patcher.elf.SymbolType;

/** An object as pieces that refer to each other, and tables with entries about pieces. */
final class ObjectModel {
  private static final long LARGEST_SECTION = 64 << 20;
  private static final long LARGEST_CONSTANT = 4096;

  private final ElfObject object;
  private final Pieces pieces;
  private final Map<Integer, CodeScan> scans = new HashMap<>();
  private final ListMultimap<Piece, Reference> references =
      MultimapBuilder.linkedHashKeys().arrayListValues().build();
  private final Set<Piece> entangled = new HashSet<>();
  private final ListMultimap<Piece, TableEntry> entries =
      MultimapBuilder.linkedHashKeys().arrayListValues().build();

  ObjectModel(ElfObject object) {
    this.object = object;
    object.sections().forEach(this::checkSizes);
    this.pieces = new Pieces(object);
    for (ElfSection section : object.sections()) {
      if (section.isCode()) {
        scans.put(
            section.index(),
            new CodeScan(section, object.relocations(section), functionStarts(section)));
      }
    }
    cutChunks();
    for (ElfSection section : object.sections()) {
      readReferences(section);
    }
    for (TableFormat format : TableFormat.values()) {
      for (ElfSection section : object.sections()) {
        if (format.isFormatOf(section.name())) {
          for (TableEntry entry : new TableReader(this, format, section).read()) {
            entries.put(entry.owner(), entry);
          }
        }
      }
    }
  }

  private void checkSizes(ElfSection section) {
    boolean merged = section.has(ElfFormat.SHF_ALLOC | ElfFormat.SHF_MERGE);
    if (section.size() > LARGEST_SECTION
        || (merged && (section.entrySize() < 0 || section.entrySize() > LARGEST_CONSTANT))) {
      throw new MalformedDataException(
          object.source() + " " + section.name(),
          0,
          "absurd size: size=" + section.size() + ", entry=" + section.entrySize());
    }
  }

  ElfObject object() {
    return object;
  }

  /** Every piece, in section order. */
  List<Piece> pieces() {
    return pieces.all();
  }

  /** Pieces of a section by ascending offset. */
  List<Piece> piecesIn(ElfSection section) {
    return pieces.in(section);
  }

  /** What a piece refers to, by ascending offset. */
  List<Reference> references(Piece piece) {
    return references.get(piece);
  }

  /** Table entries about a piece, table by table and in table order. */
  List<TableEntry> entries(Piece piece) {
    return entries.get(piece);
  }

  /** Whether a function begins with a call of __fentry__. */
  boolean hasTracingSlot(Piece function) {
    return entries(function).stream().anyMatch(e -> e.format() == TableFormat.FENTRIES);
  }

  /**
   * Whether a short branch leaves the piece, which therefore cannot be taken out of its section.
   */
  boolean isEntangled(Piece piece) {
    return entangled.contains(piece);
  }

  /** A piece's bytes with the fields of its references zero. */
  Bytes maskedBytes(Piece piece) {
    return masked(piece.bytes(), references(piece));
  }

  static Bytes masked(Bytes bytes, List<Reference> references) {
    byte[] masked = bytes.toArray();
    for (Reference reference : references) {
      for (int i = 0; i < reference.type().width(); i++) {
        masked[reference.offset() + i] = 0;
      }
    }
    return Bytes.of(masked);
  }

  private BitSet functionStarts(ElfSection section) {
    BitSet starts = new BitSet();
    for (ElfSymbol symbol : object.symbols()) {
      if (symbol.section() == section.index()
          && symbol.type() == SymbolType.FUNC
          && symbol.value() >= 0
          && symbol.value() < section.size()) {
        starts.set((int) symbol.value());
      }
    }
    return starts;
  }

  private void cutChunks() {
    Map<Integer, NavigableSet<Integer>> starts = new HashMap<>();
    for (ElfSection section : object.sections()) {
      if (namesChunks(section)) {
        for (ElfRelocation relocation : object.relocations(section)) {
          ElfSymbol symbol = relocation.symbol();
          long offset = symbol.value() + relocation.addend() + distance(section, relocation);
          if (symbol.isInSection() && offset >= 0 && offset <= Integer.MAX_VALUE) {
            starts.computeIfAbsent(symbol.section(), s -> new TreeSet<>()).add((int) offset);
          }
        }
      }
    }
    for (ElfSection section : object.sections()) {
      if (SectionRole.of(section) == SectionRole.CHUNKS) {
        pieces.cutChunks(section, starts.getOrDefault(section.index(), new TreeSet<>()));
      }
    }
  }

  /** Code jumps to the beginning of a chunk; most tables point to the middle of one. */
  private static boolean namesChunks(ElfSection section) {
    return section.isCode() || section.name().equals(TableFormat.ALTERNATIVES.section());
  }

  private void readReferences(ElfSection section) {
    for (ElfRelocation relocation : object.relocations(section)) {
      pieces
          .at(section.index(), relocation.offset())
          .filter(piece -> relocation.offset() < piece.end())
          .ifPresent(piece -> references.put(piece, reference(section, relocation, piece)));
    }
    CodeScan scan = scans.get(section.index());
    if (scan != null && pieces.in(section).size() > 1) {
      scan.branches().forEach(branch -> readBranch(section, branch));
    }
  }

  private Reference reference(ElfSection section, ElfRelocation relocation, Piece piece) {
    if (relocation.offset() + relocation.type().width() > piece.end()) {
      throw new MalformedDataException(
          object.source() + " " + section.name(),
          relocation.offset(),
          "field reaches out of " + piece.name());
    }
    return reference(section, relocation, piece.start());
  }

  /** Gives a branch from one piece to another the relocation the assembler saved. */
  private void readBranch(ElfSection section, CodeScan.Branch branch) {
    Piece from = pieces.at(section.index(), branch.instruction()).orElse(null);
    Piece to = pieces.at(section.index(), branch.target()).orElse(null);
    if (from == null || to == null || from == to) {
      return;
    }
    if (branch.width() != RelocationType.PLT32.width()) {
      entangled.add(from);
      return;
    }
    Target target = new Target.Inside(to, branch.target() - to.start());
    references.put(
        from, new Reference(branch.field() - from.start(), RelocationType.PLT32, target, -4, true));
    references.get(from).sort(Comparator.comparingInt(Reference::offset));
  }

  /** A relocation of a section, its offset counted from {@code origin}. */
  Reference reference(ElfSection section, ElfRelocation relocation, int origin) {
    if (!relocation.type().isApplicable()) {
      Target target = new Target.Nowhere("relocation " + relocation.type(), relocation.addend());
      return new Reference((int) relocation.offset() - origin, relocation.type(), target, 0, false);
    }
    int distance = distance(section, relocation);
    CodeScan scan = scans.get(section.index());
    boolean branch =
        scan != null
            && relocation.type().isPcRelative()
            && relocation.type().width() == 4
            && scan.isBranch((int) relocation.offset());
    return new Reference(
        (int) relocation.offset() - origin,
        relocation.type(),
        target(relocation.symbol(), relocation.addend() + distance),
        -distance,
        branch);
  }

  private int distance(ElfSection section, ElfRelocation relocation) {
    CodeScan scan = scans.get(section.index());
    return scan == null || !relocation.type().isPcRelative()
        ? 0
        : scan.distance((int) relocation.offset());
  }

  private Target target(ElfSymbol symbol, long addend) {
    if (symbol.index() == 0) {
      return new Target.Absolute(addend);
    }
    return switch (symbol.section()) {
      case ElfSymbol.UNDEFINED -> new Target.External(symbol.name(), addend);
      case ElfSymbol.ABSOLUTE -> new Target.Absolute(symbol.value() + addend);
      case ElfSymbol.COMMON, ElfSymbol.OTHER ->
          new Target.Nowhere("unplaced symbol " + symbol.name(), addend);
      default -> placed(symbol, addend);
    };
  }

  private Target placed(ElfSymbol symbol, long addend) {
    ElfSection section = object.section(symbol.section());
    long offset = symbol.value() + addend;
    switch (SectionRole.of(section)) {
      case STRINGS -> {
        return literal(section, offset);
      }
      case CONSTANTS -> {
        if (offset < 0 || offset >= section.bytes().size()) {
          return new Target.Nowhere("section " + section.name(), offset);
        }
        int end =
            (int)
                Math.min((offset / section.entrySize() + 1) * section.entrySize(), section.size());
        return new Target.Constant(section, section.bytes().slice((int) offset, end));
      }
      case IGNORED, TABLE -> {
        return new Target.Nowhere("section " + section.name(), offset);
      }
      default -> {
        // a named symbol says which object is meant even if the place is outside of it
        long where = symbol.type() == SymbolType.SECTION ? offset : symbol.value();
        return pieces
            .at(section.index(), where)
            .<Target>map(piece -> new Target.Inside(piece, offset - piece.start()))
            .orElseGet(() -> new Target.Nowhere("section " + section.name(), offset));
      }
    }
  }

  private Target literal(ElfSection section, long offset) {
    Bytes bytes = section.bytes();
    int unit = (int) Math.max(1, section.entrySize());
    if (offset < 0 || offset >= bytes.size()) {
      return new Target.Nowhere("section " + section.name(), offset);
    }
    int end = (int) offset;
    boolean terminated = false;
    while (!terminated && end + unit <= bytes.size()) {
      terminated = true;
      for (int i = 0; i < unit; i++) {
        terminated &= bytes.at(end + i) == 0;
      }
      end += unit;
    }
    if (!terminated) {
      throw new MalformedDataException(
          object.source() + " " + section.name(), offset, "string without end");
    }
    return new Target.Literal(section, (int) offset, bytes.slice((int) offset, end));
  }

  /** Whether this object has a symbol of that name in a section of its own. */
  boolean defines(String name) {
    return object.symbols(name).stream().anyMatch(ElfSymbol::isInSection);
  }
}
