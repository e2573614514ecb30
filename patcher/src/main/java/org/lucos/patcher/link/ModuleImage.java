package org.lucos.patcher.link;

import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.OptionalLong;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.patcher.bytes.Bytes;
import org.lucos.patcher.elf.ElfBuilder;
import org.lucos.patcher.elf.ElfFormat;
import org.lucos.patcher.elf.ElfObject;
import org.lucos.patcher.elf.ElfRelocation;
import org.lucos.patcher.elf.ElfSection;
import org.lucos.patcher.elf.ElfSymbol;
import org.lucos.patcher.elf.SymbolBinding;
import org.lucos.patcher.elf.SymbolType;
import org.lucos.patcher.kernel.ModuleAbi;
import org.lucos.patcher.kernel.RunningKernel;
import org.lucos.patcher.kernel.StructLayout;
import org.lucos.patcher.refusal.FitRefusal;
import org.lucos.patcher.refusal.RefusedException;

/**
 * Makes a module of a patch's code that the guest's own loader takes (kernel/module/main.c, {@code
 * load_module()}): symbols of the kernel become numbers, and the sections are added that modpost
 * and the linker give a module.
 */
public final class ModuleImage {
  /** The module symbol under which the ledger is found. */
  public static final String LEDGER_SYMBOL = "lucos_ledger";

  private static final String MODINFO = ".modinfo";
  private static final String THIS_MODULE = ".gnu.linkonce.this_module";
  private static final String VERSIONS = "__versions";
  private static final String LEDGER = ".lucos.ledger";

  /** The alignment that {@code struct module} asks for ({@code ____cacheline_aligned}). */
  private static final int CACHE_LINE = 64;

  private ModuleImage() {}

  /**
   * The module of a linked patch.
   *
   * @param ledger what the module is to say of itself, kept read-only in the guest under {@link
   *     #LEDGER_SYMBOL}
   * @throws RefusedException {@code SymbolNotResolved} if the image needs a symbol the bundle does
   *     not list
   */
  public static byte[] of(LinkedPatch patch, RunningKernel kernel, byte[] ledger) {
    ModuleAbi abi = kernel.moduleAbi();
    OptionalLong crc = abi.moduleLayoutCrc();
    Bytes versions =
        crc.isPresent()
            ? version(kernel.types().struct("modversion_info"), "module_layout", crc.getAsLong())
            : Bytes.EMPTY;
    Shape shape =
        new Shape(
            abi.structModuleSize(),
            abi.name().offset(),
            abi.name().size(),
            abi.vermagic(),
            versions);
    return build(patch, shape, ledger);
  }

  /** An entry of {@code __versions}: {@code struct modversion_info}. */
  private static Bytes version(StructLayout layout, String symbol, long crc) {
    byte[] entry = new byte[Math.toIntExact(layout.size())];
    for (int i = 0; i < 4; i++) {
      entry[(int) layout.offsetOf("crc") + i] = (byte) (crc >> (8 * i));
    }
    byte[] name = symbol.getBytes(StandardCharsets.US_ASCII);
    System.arraycopy(name, 0, entry, (int) layout.offsetOf("name"), name.length);
    return Bytes.of(entry);
  }

  /**
   * What the kernel expects of a module.
   *
   * @param structSize bytes of {@code struct module}
   * @param nameOffset of the name in it
   * @param nameSize bytes for the name, one of them for its end
   * @param vermagic release and configuration
   * @param versions content of {@code __versions}; empty for a kernel without CRCs
   */
  record Shape(long structSize, long nameOffset, long nameSize, String vermagic, Bytes versions) {}

  static byte[] build(LinkedPatch patch, Shape shape, byte[] ledger) {
    ElfObject code = patch.image();
    String name = patch.variant().moduleName();
    ElfBuilder builder = new ElfBuilder();
    Map<Integer, ElfBuilder.Section> sections = copySections(builder, code, filledIn(patch));
    Map<ElfSymbol, ElfBuilder.Symbol> copies =
        copySymbols(builder, code, sections, patch.symbols());
    for (ElfSection section : code.sections()) {
      ElfBuilder.Section target = sections.get(section.index());
      if (target != null) {
        for (ElfRelocation relocation : code.relocations(section)) {
          builder.relocation(
              target,
              relocation.offset(),
              relocation.type(),
              copies.get(relocation.symbol()),
              relocation.addend());
        }
      }
    }
    progbits(builder, MODINFO, 0, 1, modinfo(patch, name, shape.vermagic()));
    thisModule(builder, name, shape);
    if (!shape.versions().isEmpty()) {
      progbits(builder, VERSIONS, 0, 32, shape.versions());
    }
    ElfBuilder.Section section = progbits(builder, LEDGER, 0, 8, Bytes.of(ledger));
    builder.symbol(
        LEDGER_SYMBOL, section, 0, ledger.length, SymbolBinding.GLOBAL, SymbolType.OBJECT);
    return builder.build();
  }

  /** The content of each section, with what the kernel's boot would have put there. */
  private static Map<Integer, byte[]> filledIn(LinkedPatch patch) {
    Map<Integer, byte[]> contents = new HashMap<>();
    patch.image().sections().forEach(each -> contents.put(each.index(), each.bytes().toArray()));
    RuntimeConstants.fillIn(patch.image(), patch.constants(), contents);
    return contents;
  }

  private static Map<Integer, ElfBuilder.Section> copySections(
      ElfBuilder builder, ElfObject code, Map<Integer, byte[]> contents) {
    Map<Integer, ElfBuilder.Section> sections = new HashMap<>();
    for (ElfSection section : code.sections()) {
      if (RuntimeConstants.width(section.name()) > 0) {
        continue; // done with
      }
      switch (section.type()) {
        case ElfFormat.SHT_NULL,
            ElfFormat.SHT_SYMTAB,
            ElfFormat.SHT_STRTAB,
            ElfFormat.SHT_RELA,
            ElfFormat.SHT_GROUP -> {
          // written anew
        }
        case ElfFormat.SHT_NOBITS ->
            sections.put(
                section.index(),
                builder.noBits(
                    section.name(), section.flags(), section.alignment(), section.size()));
        default ->
            sections.put(
                section.index(),
                builder.section(
                    section.name(),
                    section.type(),
                    section.flags() & ~ElfFormat.SHF_GROUP,
                    section.alignment(),
                    section.entrySize(),
                    Bytes.of(contents.getOrDefault(section.index(), new byte[0]))));
      }
    }
    for (ElfSection section : code.sections()) {
      ElfBuilder.Section from = sections.get(section.index());
      ElfBuilder.Section to = sections.get(section.link());
      if (from != null && to != null) {
        from.link(to);
      }
    }
    return sections;
  }

  private static Map<ElfSymbol, ElfBuilder.Symbol> copySymbols(
      ElfBuilder builder,
      ElfObject code,
      Map<Integer, ElfBuilder.Section> sections,
      Map<String, GuestVirtualAddress> symbols) {
    Map<ElfSymbol, ElfBuilder.Symbol> copies = new HashMap<>();
    for (ElfSymbol symbol : code.symbols()) {
      if (symbol.index() == 0) {
        continue;
      }
      ElfBuilder.Section section = sections.get(symbol.section());
      if (symbol.isUndefined()) {
        GuestVirtualAddress address = symbols.get(symbol.name());
        if (address == null) {
          throw new RefusedException(
              new FitRefusal.SymbolNotResolved(
                  symbol.name(), "the bundle does not say where the kernel has it"));
        }
        copies.put(
            symbol,
            builder.absolute(
                symbol.name(), address.value(), 0, SymbolBinding.GLOBAL, SymbolType.NOTYPE));
      } else if (symbol.type() == SymbolType.SECTION && section != null) {
        copies.put(symbol, builder.sectionSymbol(section));
      } else if (section != null || !symbol.isInSection()) {
        copies.put(symbol, builder.copy(symbol, section));
      }
    }
    return copies;
  }

  private static ElfBuilder.Section progbits(
      ElfBuilder builder, String name, long flags, int alignment, Bytes content) {
    return builder.section(
        name, ElfFormat.SHT_PROGBITS, ElfFormat.SHF_ALLOC | flags, alignment, 0, content);
  }

  /** An honest out-of-tree module: the taint is to be seen. */
  private static Bytes modinfo(LinkedPatch patch, String name, String vermagic) {
    String text =
        String.join(
            "\0",
            "license=GPL",
            "description=lucos live patch " + oneLine(patch.description().name()),
            "depends=",
            "retpoline=Y",
            "name=" + name,
            "vermagic=" + vermagic,
            "");
    return Bytes.of(text.getBytes(StandardCharsets.UTF_8));
  }

  private static String oneLine(String text) {
    return text.replaceAll("\\p{Cntrl}", " ");
  }

  private static void thisModule(ElfBuilder builder, String name, Shape shape) {
    byte[] content = new byte[Math.toIntExact(shape.structSize())];
    byte[] text = name.getBytes(StandardCharsets.US_ASCII);
    if (text.length >= shape.nameSize()) {
      throw new IllegalArgumentException("module name too long: " + name);
    }
    System.arraycopy(text, 0, content, Math.toIntExact(shape.nameOffset()), text.length);
    ElfBuilder.Section section =
        progbits(builder, THIS_MODULE, ElfFormat.SHF_WRITE, CACHE_LINE, Bytes.of(content));
    builder.symbol(
        "__this_module", section, 0, content.length, SymbolBinding.GLOBAL, SymbolType.OBJECT);
  }
}
