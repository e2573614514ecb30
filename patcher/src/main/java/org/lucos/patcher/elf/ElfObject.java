package org.lucos.patcher.elf;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableListMultimap;
import java.util.List;
import java.util.Optional;
import org.lucos.patcher.bytes.Bytes;

/**
 * A parsed ELF-64 x86-64 file. Relocatable files are read whole; of linked ones, sections and
 * symbols.
 */
public final class ElfObject {
  private final String source;
  private final int type;
  private final ImmutableList<ElfSection> sections;
  private final ImmutableList<ElfSymbol> symbols;
  private final ImmutableListMultimap<Integer, ElfRelocation> relocations;

  ElfObject(
      String source,
      int type,
      List<ElfSection> sections,
      List<ElfSymbol> symbols,
      ImmutableListMultimap<Integer, ElfRelocation> relocations) {
    this.source = source;
    this.type = type;
    this.sections = ImmutableList.copyOf(sections);
    this.symbols = ImmutableList.copyOf(symbols);
    this.relocations = relocations;
  }

  /**
   * Parses a file.
   *
   * @param source what errors call it
   * @throws org.lucos.patcher.bytes.MalformedDataException if it is no such file, or damaged
   */
  public static ElfObject parse(String source, byte[] file) {
    return parse(source, Bytes.of(file));
  }

  /** As {@link #parse(String, byte[])}. */
  public static ElfObject parse(String source, Bytes file) {
    return new ElfReader(source, file).read();
  }

  /** What errors call the file. */
  public String source() {
    return source;
  }

  /** An {@code ET_} number. */
  public int type() {
    return type;
  }

  /** By index; the null section comes first. */
  public List<ElfSection> sections() {
    return sections;
  }

  /** The section at an index that a symbol of this file holds. */
  public ElfSection section(int index) {
    return sections.get(index);
  }

  /** The first section of that name. */
  public Optional<ElfSection> section(String name) {
    return sections.stream().filter(s -> s.index() > 0 && s.name().equals(name)).findFirst();
  }

  /** By index; the null symbol comes first. Empty if the file is stripped. */
  public List<ElfSymbol> symbols() {
    return symbols;
  }

  /** All symbols of that name, in table order. */
  public List<ElfSymbol> symbols(String name) {
    return symbols.stream().filter(s -> s.index() > 0 && s.name().equals(name)).toList();
  }

  /** Relocations of a section by ascending offset. Empty for linked files. */
  public List<ElfRelocation> relocations(ElfSection section) {
    return relocations.get(section.index());
  }

  @Override
  public String toString() {
    return source;
  }
}
