package org.lucos.tests.link;

import java.time.Instant;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import org.lucos.patcher.build.PatchDescription;
import org.lucos.patcher.build.PatchObject;
import org.lucos.patcher.build.PatchVariant;
import org.lucos.patcher.build.PatchVariant.EntryDigest;
import org.lucos.patcher.build.PatchVariant.Kind;
import org.lucos.patcher.build.PatchVariant.OriginalEntry;
import org.lucos.patcher.build.PatchVariant.SymbolReference;
import org.lucos.patcher.build.PatchVariant.TargetFunction;
import org.lucos.patcher.build.ReferenceObject;
import org.lucos.patcher.bytes.Bytes;
import org.lucos.patcher.elf.ElfBuilder;
import org.lucos.patcher.elf.ElfFormat;
import org.lucos.patcher.elf.ElfObject;
import org.lucos.patcher.elf.ElfSymbol;
import org.lucos.patcher.elf.RelocationType;
import org.lucos.patcher.elf.SymbolBinding;
import org.lucos.patcher.elf.SymbolType;

/**
 * A patch made without a compiler: its replacement function reads two symbols of the kernel and
 * returns -1, whatever it replaces.
 */
final class HandMadePatch {
  static final String REPLACEMENT = "replacement";
  static final String MODULE = "lucos_hand_made";

  // endbr64; mov GLOBAL(%rip),%rax; mov $LOCAL,%rcx; mov $-1,%rax; ret
  private static final String CODE =
      "f30f1efa" + "488b0500000000" + "48c7c100000000" + "48c7c0ffffffff" + "c3";

  private HandMadePatch() {}

  /** Replaces functions of these objects; their originals come with it. */
  static PatchObject of(
      String release,
      Optional<String> buildId,
      List<ReferenceObject> originals,
      List<TargetFunction> functions,
      String globalSymbol,
      SymbolReference local) {
    ElfBuilder image = new ElfBuilder();
    Bytes code = Bytes.of(HexFormat.of().parseHex(CODE));
    ElfBuilder.Section text =
        image.section(
            ".text",
            ElfFormat.SHT_PROGBITS,
            ElfFormat.SHF_ALLOC | ElfFormat.SHF_EXECINSTR,
            16,
            0,
            code);
    image.symbol(REPLACEMENT, text, 0, code.size(), SymbolBinding.LOCAL, SymbolType.FUNC);
    ElfBuilder.Symbol global = image.undefined(globalSymbol, SymbolType.NOTYPE);
    image.relocation(text, 7, RelocationType.PC32, global, -4);
    image.relocation(
        text, 14, RelocationType.ABS_32S, image.undefined(local.symbol(), SymbolType.NOTYPE), 0);
    List<SymbolReference> references =
        List.of(
            new SymbolReference(
                globalSymbol,
                globalSymbol,
                Optional.empty(),
                Kind.UNKNOWN,
                false,
                Optional.empty(),
                Optional.empty()),
            local);
    Bytes elf = Bytes.of(image.build());
    List<OriginalEntry> entries = new ArrayList<>();
    for (ReferenceObject original : originals) {
      entries.add(new OriginalEntry(original.object(), original.module(), digest(original.elf())));
    }
    PatchVariant variant =
        new PatchVariant(
            release,
            buildId,
            "none",
            MODULE,
            functions,
            List.of(),
            references,
            List.of(),
            digest(elf),
            entries);
    return new PatchObject(
        new PatchDescription("hand-made", "returns -1", List.of(), Instant.EPOCH, "test"),
        variant,
        elf,
        originals);
  }

  /** The function of an object to be replaced, as a manifest has it. */
  static TargetFunction target(ReferenceObject original, String name) {
    ElfObject elf = ElfObject.parse(original.object(), original.elf());
    ElfSymbol symbol = elf.symbols(name).get(0);
    List<PatchVariant.Part> parts =
        elf.symbols(name + ".cold").stream()
            .map(part -> new PatchVariant.Part(part.name(), part.size()))
            .toList();
    return new TargetFunction(
        name,
        original.object(),
        Optional.empty(),
        symbol.isLocal(),
        symbol.size(),
        "",
        REPLACEMENT,
        parts,
        List.of());
  }

  private static EntryDigest digest(Bytes bytes) {
    return new EntryDigest("entry", bytes.size(), bytes.sha256());
  }
}
