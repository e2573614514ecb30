package org.lucos.patcher.elf;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.lucos.patcher.bytes.ByteWriter;
import org.lucos.patcher.bytes.Bytes;

/**
 * Writes a relocatable ELF-64 x86-64 file. The same calls in the same order give the same bytes.
 * Local symbols are moved before global ones, as the format demands; otherwise order is kept.
 */
public final class ElfBuilder {
  /** A section added to a builder. */
  public static final class Section {
    private final int index;
    private final String name;
    private final int type;
    private final long flags;
    private final long alignment;
    private final long entrySize;
    private final long size;
    private final Bytes bytes;
    private final List<Rela> relocations = new ArrayList<>();
    private @Nullable Section link;

    private Section(
        int index,
        String name,
        int type,
        long flags,
        long alignment,
        long entrySize,
        long size,
        Bytes bytes) {
      this.index = index;
      this.name = name;
      this.type = type;
      this.flags = flags;
      this.alignment = alignment;
      this.entrySize = entrySize;
      this.size = size;
      this.bytes = bytes;
    }

    /** Sets {@code sh_link}, which {@code SHF_LINK_ORDER} needs. */
    public Section link(Section other) {
      this.link = other;
      return this;
    }

    /** Its name. */
    public String name() {
      return name;
    }
  }

  /** A symbol added to a builder. */
  public static final class Symbol {
    private final String name;
    private final long value;
    private final long size;
    private final SymbolBinding binding;
    private final SymbolType type;
    private final int visibility;
    private final int sectionIndex;

    private Symbol(
        String name,
        long value,
        long size,
        SymbolBinding binding,
        SymbolType type,
        int visibility,
        int sectionIndex) {
      this.name = name;
      this.value = value;
      this.size = size;
      this.binding = binding;
      this.type = type;
      this.visibility = visibility;
      this.sectionIndex = sectionIndex;
    }
  }

  private record Rela(long offset, RelocationType type, @Nullable Symbol symbol, long addend) {}

  private final List<Section> sections = new ArrayList<>();
  private final List<Symbol> symbols = new ArrayList<>();
  private final Map<Section, Symbol> sectionSymbols = new LinkedHashMap<>();

  /** Adds a section with content. */
  public Section section(
      String name, int type, long flags, long alignment, long entrySize, Bytes bytes) {
    return add(name, type, flags, alignment, entrySize, bytes.size(), bytes);
  }

  /** Adds a section that holds {@code size} zeros without storing them. */
  public Section noBits(String name, long flags, long alignment, long size) {
    return add(name, ElfFormat.SHT_NOBITS, flags, alignment, 0, size, Bytes.EMPTY);
  }

  private Section add(
      String name, int type, long flags, long alignment, long entrySize, long size, Bytes bytes) {
    if (alignment != 0 && Long.bitCount(alignment) != 1) {
      throw new IllegalArgumentException("not a power of two: alignment=" + alignment);
    }
    Section section =
        new Section(sections.size() + 1, name, type, flags, alignment, entrySize, size, bytes);
    sections.add(section);
    return section;
  }

  /** Adds a symbol at an offset in a section. */
  public Symbol symbol(
      String name, Section section, long value, long size, SymbolBinding binding, SymbolType type) {
    return add(new Symbol(name, value, size, binding, type, 0, section.index));
  }

  /** Adds a symbol defined elsewhere. */
  public Symbol undefined(String name, SymbolType type) {
    return add(new Symbol(name, 0, 0, SymbolBinding.GLOBAL, type, 0, ElfSymbol.UNDEFINED));
  }

  /** Adds a number. */
  public Symbol absolute(
      String name, long value, long size, SymbolBinding binding, SymbolType type) {
    return add(new Symbol(name, value, size, binding, type, 0, ElfFormat.SHN_ABS));
  }

  /** Adds a copy of a symbol of another file, in {@code section} where it is in one. */
  public Symbol copy(ElfSymbol original, @Nullable Section section) {
    int index =
        switch (original.section()) {
          case ElfSymbol.UNDEFINED -> ElfSymbol.UNDEFINED;
          case ElfSymbol.ABSOLUTE -> ElfFormat.SHN_ABS;
          case ElfSymbol.COMMON -> ElfFormat.SHN_COMMON;
          case ElfSymbol.OTHER ->
              throw new IllegalArgumentException("reserved section index: " + original);
          default -> {
            if (section == null) {
              throw new IllegalArgumentException("section needed: " + original);
            }
            yield section.index;
          }
        };
    return add(
        new Symbol(
            original.name(),
            original.value(),
            original.size(),
            original.binding(),
            original.type(),
            original.visibility(),
            index));
  }

  private Symbol add(Symbol symbol) {
    symbols.add(symbol);
    return symbol;
  }

  /** The symbol that stands for the beginning of a section; one for each. */
  public Symbol sectionSymbol(Section section) {
    return sectionSymbols.computeIfAbsent(
        section, s -> new Symbol("", 0, 0, SymbolBinding.LOCAL, SymbolType.SECTION, 0, s.index));
  }

  /** Adds a relocation to {@code section}; without a symbol, S is 0. */
  public void relocation(
      Section section, long offset, RelocationType type, @Nullable Symbol symbol, long addend) {
    section.relocations.add(new Rela(offset, type, symbol, addend));
  }

  /** The file. */
  public byte[] build() {
    if (sections.size() > ElfFormat.SHN_LORESERVE / 2 - 4) {
      throw new IllegalStateException("too many sections: count=" + sections.size());
    }
    List<Symbol> ordered = orderedSymbols();
    Map<Symbol, Integer> indexes = new HashMap<>();
    for (int i = 0; i < ordered.size(); i++) {
      indexes.put(ordered.get(i), i + 1);
    }
    ElfStrings names = new ElfStrings();
    Bytes symbolTable = symbolTable(ordered, names);
    int locals = 1 + (int) ordered.stream().filter(s -> s.binding == SymbolBinding.LOCAL).count();
    List<Section> relocated = sections.stream().filter(s -> !s.relocations.isEmpty()).toList();
    int symbolTableIndex = sections.size() + relocated.size() + 1;

    List<Header> headers = new ArrayList<>();
    for (Section s : sections) {
      headers.add(
          new Header(
              s.name,
              s.type,
              s.flags,
              s.bytes,
              s.size,
              s.link == null ? 0 : s.link.index,
              0,
              s.alignment,
              s.entrySize));
    }
    for (Section s : relocated) {
      headers.add(
          Header.table(
              ".rela" + s.name,
              ElfFormat.SHT_RELA,
              ElfFormat.SHF_INFO_LINK,
              relocationTable(s, indexes),
              symbolTableIndex,
              s.index,
              ElfFormat.RELA_SIZE));
    }
    headers.add(
        Header.table(
            ".symtab",
            ElfFormat.SHT_SYMTAB,
            0,
            symbolTable,
            symbolTableIndex + 1,
            locals,
            ElfFormat.SYM_SIZE));
    headers.add(Header.strings(".strtab", names.bytes()));
    return write(headers);
  }

  private List<Symbol> orderedSymbols() {
    List<Symbol> ordered = new ArrayList<>(sectionSymbols.values());
    ordered.sort(Comparator.comparingInt(s -> s.sectionIndex));
    symbols.stream().filter(s -> s.binding == SymbolBinding.LOCAL).forEach(ordered::add);
    symbols.stream().filter(s -> s.binding != SymbolBinding.LOCAL).forEach(ordered::add);
    return ordered;
  }

  private static Bytes symbolTable(List<Symbol> ordered, ElfStrings names) {
    ByteWriter table = new ByteWriter().zeros(ElfFormat.SYM_SIZE);
    for (Symbol s : ordered) {
      table.u32(names.add(s.name)).u8(s.binding.number() << 4 | s.type.number()).u8(s.visibility);
      table.u16(s.sectionIndex).u64(s.value).u64(s.size);
    }
    return table.toBytes();
  }

  private static Bytes relocationTable(Section section, Map<Symbol, Integer> indexes) {
    ByteWriter table = new ByteWriter();
    for (Rela rela : section.relocations) {
      Integer index = rela.symbol == null ? Integer.valueOf(0) : indexes.get(rela.symbol);
      if (index == null) {
        throw new IllegalArgumentException("symbol of another builder in " + section.name);
      }
      table.u64(rela.offset).u32(rela.type.number()).u32(index).u64(rela.addend);
    }
    return table.toBytes();
  }

  private record Header(
      String name,
      int type,
      long flags,
      Bytes content,
      long size,
      int link,
      int info,
      long alignment,
      long entrySize) {

    static Header table(
        String name, int type, long flags, Bytes content, int link, int info, int entrySize) {
      return new Header(name, type, flags, content, content.size(), link, info, 8, entrySize);
    }

    static Header strings(String name, Bytes content) {
      return new Header(name, ElfFormat.SHT_STRTAB, 0, content, content.size(), 0, 0, 1, 0);
    }
  }

  private static byte[] write(List<Header> contents) {
    ElfStrings names = new ElfStrings();
    contents.forEach(h -> names.add(h.name));
    names.add(".shstrtab");
    List<Header> headers = new ArrayList<>(contents);
    headers.add(Header.strings(".shstrtab", names.bytes()));

    ByteWriter body = new ByteWriter();
    ByteWriter table = new ByteWriter().zeros(ElfFormat.SHDR_SIZE);
    for (Header h : headers) {
      // readers ask for 8 at most; larger alignments only count in memory
      body.align((int) Math.min(Math.max(h.alignment, 1), ElfFormat.EHDR_SIZE));
      table.u32(names.add(h.name)).u32(h.type).u64(h.flags);
      table.u64(0).u64(ElfFormat.EHDR_SIZE + body.size()).u64(h.size).u32(h.link).u32(h.info);
      table.u64(h.alignment).u64(h.entrySize);
      body.bytes(h.content);
    }
    body.align(8);

    ByteWriter file = new ByteWriter().bytes(new byte[] {0x7f, 'E', 'L', 'F', 2, 1, 1}).zeros(9);
    file.u16(ElfFormat.ET_REL).u16(ElfFormat.EM_X86_64).u32(1).u64(0).u64(0);
    file.u64(ElfFormat.EHDR_SIZE + body.size()).u32(0).u16(ElfFormat.EHDR_SIZE).u16(0).u16(0);
    file.u16(ElfFormat.SHDR_SIZE).u16(headers.size() + 1).u16(headers.size());
    return file.bytes(body.toArray()).bytes(table.toArray()).toArray();
  }
}
