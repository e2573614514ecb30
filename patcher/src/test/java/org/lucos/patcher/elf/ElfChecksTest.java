package org.lucos.patcher.elf;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.lucos.patcher.build.diff.KernelC;
import org.lucos.patcher.bytes.Bytes;
import org.lucos.patcher.bytes.MalformedDataException;

class ElfChecksTest {
  private static final long CODE = ElfFormat.SHF_ALLOC | ElfFormat.SHF_EXECINSTR;

  @Test
  void whatACompilerMakesIsSound() {
    Bytes object =
        KernelC.sectionsObject("int f(int x) { WARN_ON(x); return printk(\"f\", x); }\n");
    assertThatCode(() -> ElfChecks.requireSound(ElfObject.parse("o", object)))
        .doesNotThrowAnyException();
  }

  @Test
  void sectionsThatShareBytesAreRefused() {
    byte[] bytes = made(builder -> {});
    ElfObject object = ElfObject.parse("o", bytes);
    ElfSection data = object.section(".data").orElseThrow();
    ElfSection text = object.section(".text").orElseThrow();
    byte[] moved = bytes.clone();
    long header = Bytes.of(bytes).i32(40) + 64L * data.index();
    moved[(int) header + 24] = (byte) (text.fileOffset() + 1);
    moved[(int) header + 25] = (byte) ((text.fileOffset() + 1) >> 8);
    assertUnsound(moved, "begins inside of what is before it");
    byte[] onHeader = bytes.clone();
    onHeader[(int) header + 24] = 8;
    onHeader[(int) header + 25] = 0;
    assertUnsound(onHeader, "begins inside of what is before it");
  }

  @Test
  void symbolsOutsideOfTheirSectionAreRefused() {
    assertUnsound(
        made(
            builder ->
                builder.symbol(
                    "far",
                    builder.section(".more", 1, CODE, 1, 0, Bytes.zeros(4)),
                    2,
                    3,
                    SymbolBinding.LOCAL,
                    SymbolType.FUNC)),
        "symbol outside of it: 'far'");
  }

  @Test
  void relocationsThatCannotFitOrOverlapAreRefused() {
    assertUnsound(relocated(RelocationType.PC32, 0, 1L << 40), "relocation overflows");
    assertUnsound(relocated(RelocationType.ABS_32S, 0, Long.MIN_VALUE), "relocation overflows");
    assertUnsound(relocated(RelocationType.PC32, 9, 0), "relocations overlap");
  }

  @Test
  void absurdMemoryIsRefused() {
    assertUnsound(
        made(builder -> builder.noBits(".bss", ElfFormat.SHF_ALLOC, 8, 1L << 40)), "absurd");
    assertUnsound(
        made(builder -> builder.section(".a", 1, CODE, 1 << 30, 0, Bytes.zeros(4))), "absurd");
    assertUnsound(
        made(builder -> builder.section(".z", 1, ElfFormat.SHF_COMPRESSED, 1, 0, Bytes.zeros(4))),
        "compressed");
  }

  private static byte[] relocated(RelocationType type, long at, long addend) {
    return made(
        builder -> {
          ElfBuilder.Section code = builder.section(".more", 1, CODE, 1, 0, Bytes.zeros(16));
          ElfBuilder.Symbol symbol = builder.undefined("x", SymbolType.NOTYPE);
          builder.relocation(code, at, type, symbol, addend);
          builder.relocation(code, 8, RelocationType.PC32, symbol, 0);
        });
  }

  private static byte[] made(Consumer<ElfBuilder> more) {
    ElfBuilder builder = new ElfBuilder();
    builder.section(".text", 1, CODE, 16, 0, Bytes.zeros(32));
    builder.section(".data", 1, ElfFormat.SHF_ALLOC, 8, 0, Bytes.zeros(8));
    more.accept(builder);
    return builder.build();
  }

  private static void assertUnsound(byte[] file, String problem) {
    assertThatThrownBy(() -> ElfChecks.requireSound(ElfObject.parse("o", file)))
        .isInstanceOf(MalformedDataException.class)
        .hasMessageContaining(problem);
  }
}
