package org.lucos.patcher.build.diff;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ListMultimap;
import com.google.common.collect.MultimapBuilder;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableSet;
import java.util.Optional;
import java.util.TreeMap;
import org.lucos.patcher.elf.ElfObject;
import org.lucos.patcher.elf.ElfSection;
import org.lucos.patcher.elf.ElfSymbol;
import org.lucos.patcher.elf.SymbolBinding;
import org.lucos.patcher.elf.SymbolType;

/** The sections of one object, cut into pieces at their symbols. */
final class Pieces {
  /** Symbols that overlap, and the bytes they cover. */
  private record Group(int start, int end, List<ElfSymbol> symbols) {}

  private final ElfObject object;
  private final ListMultimap<Integer, ElfSymbol> symbols =
      MultimapBuilder.hashKeys().arrayListValues().build();
  private final Map<Integer, TreeMap<Integer, Piece>> bySection = new HashMap<>();
  private final List<Piece> all = new ArrayList<>();

  Pieces(ElfObject object) {
    this.object = object;
    for (ElfSymbol symbol : object.symbols()) {
      if (symbol.isInSection() && isLabel(symbol)) {
        symbols.put(symbol.section(), symbol);
      }
    }
    for (ElfSection section : object.sections()) {
      SectionRole role = SectionRole.of(section);
      switch (role) {
        case TEXT, FIXED_TEXT, INIT_TEXT, DATA, PER_CPU, FROZEN -> cut(section, role);
        default -> {}
      }
    }
  }

  private static boolean isLabel(ElfSymbol symbol) {
    return symbol.type() != SymbolType.SECTION
        && symbol.type() != SymbolType.FILE
        && !symbol.name().isEmpty();
  }

  /** Every piece, in section order. */
  List<Piece> all() {
    return ImmutableList.copyOf(all);
  }

  /**
   * The piece at an offset in a section: the one that begins there or has it inside. Places before
   * the first and behind the last piece count as theirs: compilers use them for arrays.
   */
  Optional<Piece> at(int section, long offset) {
    TreeMap<Integer, Piece> pieces = bySection.get(section);
    if (pieces == null || pieces.isEmpty()) {
      return Optional.empty();
    }
    int key = (int) Math.max(Integer.MIN_VALUE, Math.min(Integer.MAX_VALUE, offset));
    Map.Entry<Integer, Piece> entry = pieces.floorEntry(key);
    return Optional.of((entry == null ? pieces.firstEntry() : entry).getValue());
  }

  /** Pieces of a section by ascending offset. */
  List<Piece> in(ElfSection section) {
    TreeMap<Integer, Piece> pieces = bySection.get(section.index());
    return pieces == null ? ImmutableList.of() : ImmutableList.copyOf(pieces.values());
  }

  /** Cuts a section of unnamed code at the places others refer to. */
  void cutChunks(ElfSection section, NavigableSet<Integer> starts) {
    int size = (int) section.size();
    Integer start = starts.isEmpty() ? null : starts.first();
    while (start != null && start < size) {
      Integer next = starts.higher(start);
      int end = next == null ? size : Math.min(next, size);
      add(new Piece(section, SectionRole.CHUNKS, Piece.Kind.CHUNK, start, end, List.of()));
      start = next;
    }
  }

  private void cut(ElfSection section, SectionRole role) {
    int size = (int) section.size();
    boolean code = section.isCode();
    List<Group> groups = groups(section, size, code);
    int at = 0;
    for (Group group : groups) {
      gap(section, role, at, group.start);
      add(
          new Piece(
              section,
              role,
              code ? Piece.Kind.FUNCTION : kind(section, group),
              group.start,
              group.end,
              group.symbols));
      at = group.end;
    }
    gap(section, role, at, size);
  }

  private static Piece.Kind kind(ElfSection section, Group group) {
    return !section.isWritable() && group.symbols.stream().allMatch(s -> Names.isConstant(s.name()))
        ? Piece.Kind.CONSTANT
        : Piece.Kind.VARIABLE;
  }

  private void gap(ElfSection section, SectionRole role, int start, int end) {
    if (start < end) {
      Piece.Kind kind =
          section.isCode()
              ? Piece.Kind.CHUNK
              : section.isWritable() ? Piece.Kind.UNNAMED : Piece.Kind.CONSTANT;
      add(new Piece(section, role, kind, start, end, List.of()));
    }
  }

  private void add(Piece piece) {
    all.add(piece);
    bySection
        .computeIfAbsent(piece.section().index(), s -> new TreeMap<>())
        .put(piece.start(), piece);
  }

  private List<Group> groups(ElfSection section, int size, boolean code) {
    List<ElfSymbol> sorted = new ArrayList<>(symbols.get(section.index()));
    // an empty struct, such as a lock class without lockdep, is a variable without bytes
    sorted.removeIf(s -> s.value() < 0 || s.value() > size || (code && s.value() == size));
    sorted.sort(
        Comparator.comparingLong(ElfSymbol::value)
            .thenComparing(Comparator.comparingLong(ElfSymbol::size).reversed()));
    List<Group> groups = new ArrayList<>();
    int i = 0;
    while (i < sorted.size()) {
      int start = (int) sorted.get(i).value();
      int end = start;
      List<ElfSymbol> members = new ArrayList<>();
      // a sized symbol takes in all that begin inside it; one without size reaches to the next
      while (i < sorted.size()
          && (sorted.get(i).value() < end
              || sorted.get(i).value() == start
              || isPaddingOnly(code, members))) {
        ElfSymbol symbol = sorted.get(i++);
        members.add(symbol);
        end = (int) Math.max(end, Math.min(size, symbol.value() + Math.max(symbol.size(), 0)));
      }
      if (end == start) {
        end = i < sorted.size() ? (int) sorted.get(i).value() : size;
      }
      groups.add(new Group(start, end, named(section, members)));
    }
    if (code && groups.size() == 1 && isOwnSection(section, groups.get(0))) {
      return List.of(new Group(0, size, groups.get(0).symbols));
    }
    return groups;
  }

  /** Padding belongs to the function behind it. */
  private static boolean isPaddingOnly(boolean code, List<ElfSymbol> members) {
    return code && members.stream().allMatch(s -> Names.isPadding(s.name())) && !members.isEmpty();
  }

  private static boolean isOwnSection(ElfSection section, Group group) {
    return group.symbols.stream()
        .anyMatch(
            s ->
                section.name().endsWith("." + s.name())
                    || section.name().endsWith("." + Names.coldParent(s.name()).orElse(s.name())));
  }

  /** The symbol that names the group goes first. */
  private static List<ElfSymbol> named(ElfSection section, List<ElfSymbol> members) {
    List<ElfSymbol> sorted = new ArrayList<>(members);
    sorted.sort(
        Comparator.comparing((ElfSymbol s) -> Names.isPadding(s.name()))
            .thenComparing(s -> s.value() != entry(members))
            .thenComparing(s -> s.type() == SymbolType.NOTYPE)
            .thenComparing(s -> !section.name().endsWith("." + s.name()))
            .thenComparing(s -> s.binding() == SymbolBinding.LOCAL)
            .thenComparing(ElfSymbol::index));
    return sorted;
  }

  private static long entry(List<ElfSymbol> members) {
    return members.stream()
        .filter(s -> !Names.isPadding(s.name()))
        .mapToLong(ElfSymbol::value)
        .min()
        .orElse(0);
  }

  @Override
  public String toString() {
    return "pieces of " + object;
  }
}
