package org.lucos.patcher.elf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.lucos.patcher.build.diff.KernelC;
import org.lucos.patcher.bytes.Bytes;

class ElfBuilderTest {
  private static final long CODE = ElfFormat.SHF_ALLOC | ElfFormat.SHF_EXECINSTR;

  private static byte[] sample() {
    ElfBuilder builder = new ElfBuilder();
    ElfBuilder.Section text =
        builder.section(
            ".text.f",
            ElfFormat.SHT_PROGBITS,
            CODE,
            16,
            0,
            Bytes.of(new byte[] {(byte) 0xe8, 0, 0, 0, 0, (byte) 0xc3}));
    ElfBuilder.Section bss =
        builder.noBits(".bss", ElfFormat.SHF_ALLOC | ElfFormat.SHF_WRITE, 64, 4096);
    ElfBuilder.Section order =
        builder
            .section(
                "order",
                ElfFormat.SHT_PROGBITS,
                ElfFormat.SHF_ALLOC | ElfFormat.SHF_LINK_ORDER,
                8,
                8,
                Bytes.zeros(8))
            .link(text);
    ElfBuilder.Symbol callee = builder.undefined("callee", SymbolType.NOTYPE);
    builder.symbol("f", text, 0, 6, SymbolBinding.LOCAL, SymbolType.FUNC);
    builder.absolute("number", 0x1234, 0, SymbolBinding.GLOBAL, SymbolType.NOTYPE);
    builder.relocation(text, 1, RelocationType.PLT32, callee, -4);
    builder.relocation(order, 0, RelocationType.ABS_64, builder.sectionSymbol(bss), 16);
    return builder.build();
  }

  @Test
  void whatIsWrittenIsRead() {
    ElfObject object = ElfObject.parse("sample", sample());

    assertThat(object.sections())
        .extracting(ElfSection::name)
        .containsExactly(
            "",
            ".text.f",
            ".bss",
            "order",
            ".rela.text.f",
            ".relaorder",
            ".symtab",
            ".strtab",
            ".shstrtab");
    ElfSection bss = object.section(".bss").orElseThrow();
    assertThat(bss.size()).isEqualTo(4096);
    assertThat(bss.alignment()).isEqualTo(64);
    assertThat(bss.bytes()).isEqualTo(Bytes.EMPTY);
    ElfSection order = object.section("order").orElseThrow();
    assertThat(order.link()).isEqualTo(1);
    ElfRelocation call = object.relocations(object.section(".text.f").orElseThrow()).get(0);
    assertThat(call.symbol().name()).isEqualTo("callee");
    assertThat(call.symbol().isUndefined()).isTrue();
    assertThat(call.addend()).isEqualTo(-4);
    ElfRelocation pointer = object.relocations(order).get(0);
    assertThat(pointer.symbol().type()).isEqualTo(SymbolType.SECTION);
    assertThat(pointer.symbol().section()).isEqualTo(bss.index());
    assertThat(object.symbols("number"))
        .singleElement()
        .satisfies(
            s -> {
              assertThat(s.section()).isEqualTo(ElfSymbol.ABSOLUTE);
              assertThat(s.value()).isEqualTo(0x1234);
            });
  }

  @Test
  void localSymbolsComeFirst() {
    ElfObject object = ElfObject.parse("sample", sample());
    ElfSection table = object.section(".symtab").orElseThrow();

    assertThat(object.symbols().subList(0, table.info())).allMatch(ElfSymbol::isLocal);
    assertThat(object.symbols().subList(table.info(), object.symbols().size()))
        .noneMatch(ElfSymbol::isLocal);
  }

  @Test
  void theSameCallsGiveTheSameBytes() {
    assertThat(sample()).isEqualTo(sample());
  }

  @Test
  void binutilsAcceptsIt(@TempDir Path folder) throws IOException {
    Files.write(folder.resolve("sample.o"), sample());

    assertThat(KernelC.run(folder, List.of("readelf", "-aW", "sample.o")))
        .doesNotContainIgnoringCase("warning");
    assertThat(KernelC.run(folder, List.of("ld", "-r", "-o", "linked.o", "sample.o"))).isEmpty();
    assertThat(KernelC.run(folder, List.of("objdump", "-dr", "sample.o")))
        .contains("R_X86_64_PLT32	callee-0x4");
  }

  @Test
  void symbolsOfAnotherBuilderAreErrors() {
    ElfBuilder builder = new ElfBuilder();
    ElfBuilder.Section text =
        builder.section(".text", ElfFormat.SHT_PROGBITS, CODE, 16, 0, Bytes.zeros(8));
    builder.relocation(
        text, 0, RelocationType.ABS_64, new ElfBuilder().undefined("x", SymbolType.NOTYPE), 0);

    assertThatThrownBy(builder::build).isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void alignmentsAreCheckedAtOnce() {
    assertThatThrownBy(() -> new ElfBuilder().noBits(".bss", 0, 3, 8))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
