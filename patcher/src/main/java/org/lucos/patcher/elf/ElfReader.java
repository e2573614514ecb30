package org.lucos.patcher.elf;

import com.google.common.collect.ImmutableListMultimap;
import com.google.common.collect.ListMultimap;
import com.google.common.collect.MultimapBuilder;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.lucos.patcher.bytes.ByteCursor;
import org.lucos.patcher.bytes.Bytes;
import org.lucos.patcher.bytes.MalformedDataException;

/** Reads the tables of one file. Layouts: System V ABI, chapter 4 (ELF-64). */
final class ElfReader {
  private final String source;
  private final Bytes file;
  private final ByteCursor cursor;
  private final List<ElfSection> sections = new ArrayList<>();
  private final List<ElfSymbol> symbols = new ArrayList<>();
  private int symbolTable;

  ElfReader(String source, Bytes file) {
    this.source = source;
    this.file = file;
    this.cursor = file.cursor(source);
  }

  ElfObject read() {
    if (cursor.size() < ElfFormat.EHDR_SIZE) {
      throw malformed(0, "too short for an ELF header: size=" + cursor.size());
    }
    if (cursor.u8() != 0x7f || cursor.u8() != 'E' || cursor.u8() != 'L' || cursor.u8() != 'F') {
      throw malformed(0, "not an ELF file");
    }
    int fileClass = cursor.u8();
    int encoding = cursor.u8();
    if (fileClass != 2 || encoding != 1) {
      throw malformed(4, "not 64-bit little-endian: class=" + fileClass + ", data=" + encoding);
    }
    int type = cursor.seek(16).u16();
    int machine = cursor.u16();
    if (machine != ElfFormat.EM_X86_64) {
      throw malformed(18, "not x86-64: machine=" + machine);
    }
    if (type != ElfFormat.ET_REL && type != ElfFormat.ET_EXEC && type != ElfFormat.ET_DYN) {
      throw malformed(16, "unexpected file type: type=" + type);
    }
    readSections();
    readSymbols();
    return new ElfObject(
        source,
        type,
        sections,
        symbols,
        type == ElfFormat.ET_REL ? readRelocations() : ImmutableListMultimap.of());
  }

  private void readSections() {
    long tableOffset = cursor.seek(40).u64();
    int headerSize = cursor.seek(58).u16();
    long count = cursor.u16();
    int namesIndex = cursor.u16();
    if (tableOffset == 0) {
      throw malformed(40, "no section table");
    }
    if (headerSize != ElfFormat.SHDR_SIZE) {
      throw malformed(58, "unexpected section header size: size=" + headerSize);
    }
    // with 0xff00 sections or more, the real numbers are in the null section
    ByteCursor first = cursor.slice(source, tableOffset, ElfFormat.SHDR_SIZE);
    if (count == 0) {
      count = first.seek(32).u64();
    }
    if (namesIndex == ElfFormat.SHN_XINDEX) {
      namesIndex = (int) first.seek(40).u32();
    }
    if (count <= 0 || count > cursor.size() / ElfFormat.SHDR_SIZE) {
      throw malformed(60, "absurd number of sections: count=" + Long.toUnsignedString(count));
    }
    ByteCursor table = cursor.slice(source, tableOffset, count * ElfFormat.SHDR_SIZE);
    if (namesIndex < 0 || namesIndex >= count) {
      throw malformed(62, "section name table out of range: index=" + namesIndex);
    }
    table.seek((long) namesIndex * ElfFormat.SHDR_SIZE + 24);
    ByteCursor names = slice(tableOffset + table.position(), table.u64(), table.u64());
    for (int i = 0; i < count; i++) {
      sections.add(readSection(i, table, tableOffset, names));
    }
  }

  private ElfSection readSection(int index, ByteCursor table, long tableOffset, ByteCursor names) {
    long at = (long) index * ElfFormat.SHDR_SIZE;
    table.seek(at);
    long name = table.u32();
    int type = table.i32();
    long flags = table.u64();
    long address = table.u64();
    long offset = table.u64();
    long size = table.u64();
    int link = table.i32();
    int info = table.i32();
    long alignment = table.u64();
    long entrySize = table.u64();
    if (size < 0 || (alignment != 0 && Long.bitCount(alignment) != 1)) {
      throw malformed(tableOffset + at, "absurd section: size=" + size + ", align=" + alignment);
    }
    boolean hasBytes = type != ElfFormat.SHT_NULL && type != ElfFormat.SHT_NOBITS;
    Bytes bytes = Bytes.EMPTY;
    if (hasBytes) {
      ByteCursor content = slice(tableOffset + at + 24, offset, size);
      bytes = file.slice((int) offset, (int) offset + content.size());
    }
    return new ElfSection(
        index,
        names.seek(name).cString(),
        type,
        flags,
        address,
        offset,
        type == ElfFormat.SHT_NULL ? 0 : size,
        bytes,
        link,
        info,
        alignment,
        entrySize);
  }

  private void readSymbols() {
    for (ElfSection section : sections) {
      if (section.type() == ElfFormat.SHT_SYMTAB) {
        if (symbolTable != 0) {
          throw malformed(0, "more than one symbol table");
        }
        symbolTable = section.index();
      }
    }
    if (symbolTable == 0) {
      return;
    }
    ElfSection table = sections.get(symbolTable);
    if (table.entrySize() != ElfFormat.SYM_SIZE || table.size() % ElfFormat.SYM_SIZE != 0) {
      throw new MalformedDataException(
          source + " " + table.name(), 0, "unexpected symbol size: size=" + table.entrySize());
    }
    ByteCursor cursor = table.bytes().cursor(source + " " + table.name());
    ByteCursor names = linked(table, ElfFormat.SHT_STRTAB);
    int[] extended = extendedIndexes();
    for (int i = 0; cursor.remaining() > 0; i++) {
      symbols.add(readSymbol(i, cursor, names, i < extended.length ? extended[i] : 0));
    }
  }

  private ElfSymbol readSymbol(int index, ByteCursor cursor, ByteCursor names, int extended) {
    int start = cursor.position();
    long name = cursor.u32();
    int info = cursor.u8();
    int visibility = cursor.u8() & 3;
    int stored = cursor.u16();
    long value = cursor.u64();
    long size = cursor.u64();
    int section =
        switch (stored) {
          case ElfFormat.SHN_ABS -> ElfSymbol.ABSOLUTE;
          case ElfFormat.SHN_COMMON -> ElfSymbol.COMMON;
          case ElfFormat.SHN_XINDEX -> extended;
          default -> stored >= ElfFormat.SHN_LORESERVE ? ElfSymbol.OTHER : stored;
        };
    SymbolBinding binding = null;
    for (SymbolBinding candidate : SymbolBinding.values()) {
      binding = candidate.number() == info >> 4 ? candidate : binding;
    }
    SymbolType type = null;
    for (SymbolType candidate : SymbolType.values()) {
      type = candidate.number() == (info & 15) ? candidate : type;
    }
    if (binding == null || type == null || section >= sections.size()) {
      throw new MalformedDataException(
          cursor.source(), start, "impossible symbol: info=" + info + ", section=" + stored);
    }
    return new ElfSymbol(
        index, names.seek(name).cString(), value, size, binding, type, visibility, section);
  }

  private int[] extendedIndexes() {
    for (ElfSection section : sections) {
      if (section.type() == ElfFormat.SHT_SYMTAB_SHNDX && section.link() == symbolTable) {
        ByteCursor cursor = section.bytes().cursor(source + " " + section.name());
        int[] indexes = new int[cursor.size() / 4];
        for (int i = 0; i < indexes.length; i++) {
          indexes[i] = cursor.i32();
          if (indexes[i] < 0) {
            throw new MalformedDataException(cursor.source(), 4L * i, "absurd section index");
          }
        }
        return indexes;
      }
    }
    return new int[0];
  }

  private ImmutableListMultimap<Integer, ElfRelocation> readRelocations() {
    ListMultimap<Integer, ElfRelocation> all = MultimapBuilder.treeKeys().arrayListValues().build();
    for (ElfSection table : sections) {
      if (table.type() == ElfFormat.SHT_REL) {
        throw new MalformedDataException(
            source + " " + table.name(), 0, "relocations without addends are not used on x86-64");
      }
      if (table.type() == ElfFormat.SHT_RELA) {
        readTable(table, all);
      }
    }
    for (Integer section : all.keySet()) {
      all.get(section).sort(Comparator.comparingLong(ElfRelocation::offset));
    }
    return ImmutableListMultimap.copyOf(all);
  }

  private void readTable(ElfSection table, ListMultimap<Integer, ElfRelocation> all) {
    ByteCursor cursor = table.bytes().cursor(source + " " + table.name());
    if (table.entrySize() != ElfFormat.RELA_SIZE || cursor.size() % ElfFormat.RELA_SIZE != 0) {
      throw cursor.malformed("unexpected relocation size: size=" + table.entrySize());
    }
    if (table.link() != symbolTable || symbolTable == 0) {
      throw cursor.malformed("relocations without their symbol table: link=" + table.link());
    }
    if (table.info() <= 0 || table.info() >= sections.size()) {
      throw cursor.malformed("relocations of no section: info=" + table.info());
    }
    ElfSection target = sections.get(table.info());
    while (cursor.remaining() > 0) {
      int start = cursor.position();
      long offset = cursor.u64();
      long number = cursor.u32();
      long symbol = cursor.u32();
      long addend = cursor.u64();
      RelocationType type =
          RelocationType.of(number)
              .orElseThrow(
                  () ->
                      new MalformedDataException(
                          cursor.source(), start, "unknown relocation: type=" + number));
      if (symbol >= symbols.size()) {
        throw new MalformedDataException(cursor.source(), start, "no such symbol: " + symbol);
      }
      if (offset < 0 || offset > target.bytes().size() - type.width()) {
        throw new MalformedDataException(
            cursor.source(), start, "field outside of " + target.name() + ": offset=" + offset);
      }
      all.put(target.index(), new ElfRelocation(offset, type, symbols.get((int) symbol), addend));
    }
  }

  private ByteCursor linked(ElfSection section, int type) {
    int link = section.link();
    if (link <= 0 || link >= sections.size() || sections.get(link).type() != type) {
      throw new MalformedDataException(
          source + " " + section.name(), 0, "link to no table of the right type: link=" + link);
    }
    return sections.get(link).bytes().cursor(source + " " + sections.get(link).name());
  }

  private ByteCursor slice(long fieldOffset, long offset, long size) {
    if (offset < 0 || size < 0 || offset > file.size() || size > file.size() - offset) {
      throw malformed(fieldOffset, "section outside of file: offset=" + offset + ", size=" + size);
    }
    return cursor.slice(source, offset, size);
  }

  private MalformedDataException malformed(long offset, String problem) {
    return new MalformedDataException(source, offset, problem);
  }
}
