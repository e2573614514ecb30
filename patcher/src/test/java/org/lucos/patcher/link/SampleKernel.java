package org.lucos.patcher.link;

import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.lucos.bridge.addr.AddressRange;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.bridge.memory.GuestMemory;
import org.lucos.bridge.memory.MemoryFaultException;
import org.lucos.patcher.build.PatchDescription;
import org.lucos.patcher.build.PatchObject;
import org.lucos.patcher.build.PatchVariant;
import org.lucos.patcher.build.PatchVariant.EntryDigest;
import org.lucos.patcher.build.PatchVariant.Kind;
import org.lucos.patcher.build.PatchVariant.OriginalEntry;
import org.lucos.patcher.build.PatchVariant.Part;
import org.lucos.patcher.build.PatchVariant.SymbolReference;
import org.lucos.patcher.build.PatchVariant.TargetFunction;
import org.lucos.patcher.build.ReferenceObject;
import org.lucos.patcher.bytes.Bytes;
import org.lucos.patcher.elf.ElfBuilder;
import org.lucos.patcher.elf.ElfFormat;
import org.lucos.patcher.elf.ElfObject;
import org.lucos.patcher.elf.ElfRelocation;
import org.lucos.patcher.elf.ElfSection;
import org.lucos.patcher.elf.ElfSymbol;
import org.lucos.patcher.elf.RelocationType;
import org.lucos.patcher.elf.SymbolBinding;
import org.lucos.patcher.elf.SymbolType;
import org.lucos.patcher.kernel.KernelIdentity;
import org.lucos.patcher.kernel.KernelSymbol;
import org.lucos.patcher.kernel.SymbolTable;

/** A kernel that runs the {@link SampleObject}: linked, loaded, with symbols. */
final class SampleKernel implements GuestMemory {
  static final long START = 0xffffffff81000000L;
  static final long TEXT = START + 0x1000;
  static final long COLD = START + 0x2000;
  static final long TEXT_SIZE = 0x4000;
  private static final int SIZE = 0x10000;

  final SampleObject.Built object = SampleObject.build();
  final List<KernelSymbol> symbols = new ArrayList<>();
  final List<LiveChange> probes = new ArrayList<>();
  final Map<String, CodeHome> modules = new LinkedHashMap<>();
  final Map<Long, String> patchModules = new LinkedHashMap<>();
  final Map<Long, Bytes> underJumps = new LinkedHashMap<>();

  /** The module that the object is in; absent for vmlinux. */
  Optional<String> module = Optional.empty();

  private final byte[] memory = new byte[SIZE];
  private final Map<String, Long> externals = new LinkedHashMap<>();

  SampleKernel() {
    external("__fentry__", 0x3000);
    external("global_value", 0x8000);
    external("pv_ops", 0x8100);
    external("__SCT__some", 0x3100);
    external("__x86_indirect_thunk_r11", 0x3200);
    external("__x86_return_thunk", 0x3300);
    symbol("_stext", START, 'T');
    symbol("_etext", START + TEXT_SIZE, 'T');
    symbol("alpha", TEXT, 'T');
    symbol("alpha.cold", COLD, 't');
    symbol("beta", TEXT + object.mark("beta"), 't');
    symbol("beta", START + 0x3400, 't');
    symbol("counter", START + 0xa004, 'b');
    symbol("counter", START + 0xb000, 'b');
    load(
        Map.of(
            ".text", TEXT,
            ".text.unlikely", COLD,
            ".bss", START + 0xa000));
    write(START + 0xc000, "hello\0".getBytes(StandardCharsets.US_ASCII));
    writeHex(TEXT + object.mark("fentry"), "0f1f440000");
  }

  private void external(String name, long offset) {
    externals.put(name, START + offset);
    symbol(name, START + offset, 'T');
  }

  void symbol(String name, long address, char type) {
    symbols.add(new KernelSymbol(name, new GuestVirtualAddress(address), type, Optional.empty()));
  }

  void forget(String name) {
    symbols.removeIf(symbol -> symbol.name().equals(name));
  }

  private void load(Map<String, Long> places) {
    ElfObject elf = object.elf();
    for (ElfSection section : elf.sections()) {
      Long base = places.get(section.name());
      if (base == null || section.isNoBits()) {
        continue;
      }
      byte[] content = section.bytes().toArray();
      for (ElfRelocation relocation : elf.relocations(section)) {
        ElfSymbol symbol = relocation.symbol();
        long address;
        if (symbol.isUndefined()) {
          address = externals.getOrDefault(symbol.name(), 0L);
        } else if (elf.section(symbol.section()).name().startsWith(".rodata.str")) {
          address = START + 0xc000 - 3; // merged: the string is elsewhere
        } else {
          address = places.getOrDefault(elf.section(symbol.section()).name(), 0L) + symbol.value();
        }
        relocation
            .type()
            .apply(
                content,
                (int) relocation.offset(),
                address,
                relocation.addend(),
                base + relocation.offset());
      }
      write(base, content);
    }
  }

  void write(long address, byte[] bytes) {
    System.arraycopy(bytes, 0, memory, (int) (address - START), bytes.length);
  }

  void writeHex(long address, String hex) {
    write(address, HexFormat.of().parseHex(hex));
  }

  int at(long address) {
    return memory[(int) (address - START)] & 0xff;
  }

  @Override
  public void read(GuestVirtualAddress at, byte[] into, int offset, int length) {
    long from = at.value() - START;
    if (from < 0 || from > SIZE - length) {
      throw new MemoryFaultException("virtual", at.value(), length, "nothing there");
    }
    System.arraycopy(memory, (int) from, into, offset, length);
  }

  RunningCode running() {
    LiveText changes =
        new LiveText() {
          @Override
          public List<LiveChange> probes(AddressRange range) {
            return probes.stream().filter(probe -> range.contains(probe.at())).toList();
          }

          @Override
          public String patchModule(GuestVirtualAddress address) {
            return patchModules.getOrDefault(address.value(), "");
          }

          @Override
          public Optional<Bytes> own(GuestVirtualAddress site) {
            return Optional.ofNullable(underJumps.get(site.value()));
          }
        };
    return new RunningCode(
        new KernelIdentity("6.1.0-test", "ab".repeat(20), 0, "00".repeat(16), Optional.empty()),
        SymbolTable.of(symbols),
        this,
        new AddressRange(new GuestVirtualAddress(START), TEXT_SIZE),
        changes,
        modules::get);
  }

  /** A patch that replaces {@code alpha} and needs these symbols. */
  PatchObject patch(SymbolReference... references) {
    return patch(object.file(), references);
  }

  PatchObject patch(byte[] original, SymbolReference... references) {
    ElfBuilder image = new ElfBuilder();
    ElfBuilder.Section text =
        image.section(
            ".text.alpha",
            ElfFormat.SHT_PROGBITS,
            ElfFormat.SHF_ALLOC | ElfFormat.SHF_EXECINSTR,
            16,
            0,
            Bytes.of(HexFormat.of().parseHex("e80000000031c0c3")));
    image.symbol("alpha", text, 0, 8, SymbolBinding.LOCAL, SymbolType.FUNC);
    for (SymbolReference reference : references) {
      image.relocation(
          text,
          1,
          RelocationType.PLT32,
          image.undefined(reference.symbol(), SymbolType.NOTYPE),
          -4);
    }
    ElfObject elf = object.elf();
    TargetFunction alpha =
        new TargetFunction(
            "alpha",
            SampleObject.NAME,
            Optional.empty(),
            false,
            elf.symbols("alpha").get(0).size(),
            "",
            "alpha",
            List.of(new Part("alpha.cold", 7)),
            List.of());
    EntryDigest digest = new EntryDigest("x", 1, "");
    PatchVariant variant =
        new PatchVariant(
            "6.1.0-test",
            Optional.of("ab".repeat(20)),
            "none",
            "lucos_sample",
            List.of(alpha),
            List.of(),
            List.of(references),
            List.of(),
            digest,
            List.of(new OriginalEntry(SampleObject.NAME, module, digest)));
    return new PatchObject(
        new PatchDescription("sample", "", List.of(), Instant.EPOCH, "test"),
        variant,
        Bytes.of(image.build()),
        List.of(new ReferenceObject(SampleObject.NAME, module, Bytes.of(original))));
  }

  /**
   * Moves the object's own symbols into a module; the others stay in vmlinux.
   *
   * @param global those of the module's symbols that all of its C files see
   * @param exports what other modules export to it
   */
  void moveToModule(String name, Set<String> global, List<KernelSymbol> exports) {
    List<KernelSymbol> own =
        symbols.stream()
            .filter(s -> List.of("alpha", "alpha.cold", "beta", "counter").contains(s.name()))
            .toList();
    symbols.removeAll(own);
    AddressRange text = new AddressRange(new GuestVirtualAddress(TEXT), COLD + 0x800 - TEXT);
    TargetModule target = new TargetModule(name, new GuestVirtualAddress(START + 0xf000), text);
    modules.put(
        name,
        new CodeHome(
            Optional.of(target),
            new ModuleScope(
                own,
                own.stream().filter(symbol -> global.contains(symbol.name())).toList(),
                SymbolScope.ofVmlinux(SymbolTable.of(symbols)),
                exports),
            List.of(text)));
    module = Optional.of(name);
  }

  /** A reference that a module's code makes to a global symbol. */
  static SymbolReference inModule(String module, String name) {
    return new SymbolReference(
        module + ":" + name,
        name,
        Optional.empty(),
        Kind.UNKNOWN,
        false,
        Optional.empty(),
        Optional.of(module));
  }

  /** A reference to a global symbol of the kernel. */
  static SymbolReference global(String name) {
    return new SymbolReference(
        name, name, Optional.empty(), Kind.UNKNOWN, false, Optional.empty(), Optional.empty());
  }

  /** A reference to a local symbol of the sample. */
  static SymbolReference local(String name, Kind kind) {
    return new SymbolReference(
        SampleObject.NAME + ":" + name,
        name,
        Optional.of(SampleObject.NAME),
        kind,
        true,
        Optional.of(name),
        Optional.empty());
  }
}
