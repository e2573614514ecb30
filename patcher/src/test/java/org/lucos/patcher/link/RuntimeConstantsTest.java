package org.lucos.patcher.link;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.lucos.patcher.build.PatchObject;
import org.lucos.patcher.bytes.Bytes;
import org.lucos.patcher.elf.ElfBuilder;
import org.lucos.patcher.elf.ElfFormat;
import org.lucos.patcher.elf.ElfObject;
import org.lucos.patcher.elf.ElfSection;
import org.lucos.patcher.elf.RelocationType;
import org.lucos.patcher.elf.SymbolBinding;
import org.lucos.patcher.elf.SymbolType;
import org.lucos.patcher.refusal.FitRefusal;
import org.lucos.patcher.refusal.RefusedException;

class RuntimeConstantsTest {
  private static final ModuleImage.Shape SHAPE = new ModuleImage.Shape(64, 8, 56, "x", Bytes.EMPTY);
  private static final String POINTER = "8877665544332211";

  private final SampleKernel kernel = new SampleKernel();

  RuntimeConstantsTest() {
    kernel.writeHex(SampleKernel.TEXT + kernel.object.mark("pointer"), "48b8" + POINTER);
    kernel.writeHex(SampleKernel.TEXT + kernel.object.mark("shift"), "c1e811");
  }

  @Test
  void theModuleGetsWhatRunningCodeHas() {
    ElfObject module = module(image("runtime_ptr_x", "runtime_shift_x"));

    assertThat(code(module)).isEqualTo("48b8" + POINTER + "c1e811" + "c3");
    assertThat(module.sections())
        .extracting(ElfSection::name)
        .noneMatch(name -> name.contains("runtime_"));
  }

  @Test
  void aConstantOfNoOriginalIsWhatTheVariableHolds() {
    kernel.symbol("y", SampleKernel.START + 0xd200, 'D');
    kernel.writeHex(SampleKernel.START + 0xd200, "0102030405060708");

    assertThat(code(module(image("runtime_ptr_y", "runtime_shift_x"))))
        .startsWith("48b80102030405060708");
  }

  @Test
  void aVariableThatRunningCodeContradictsIsRefused() {
    kernel.symbol("x", SampleKernel.START + 0xd200, 'D');

    assertRefused("runtime_ptr_x", image("runtime_ptr_x", "runtime_shift_x"));
  }

  @Test
  void aConstantThatNothingTellsIsRefused() {
    assertRefused("runtime_ptr_z", image("runtime_ptr_z", "runtime_shift_x"));
  }

  @Test
  void aPlaceholderThatNoTableListsIsRefused() {
    assertRefused(".text.alpha", image("unrelated", "runtime_shift_x"));
  }

  private void assertRefused(String symbol, Bytes image) {
    assertThatThrownBy(() -> module(image))
        .isInstanceOfSatisfying(
            RefusedException.class,
            refused ->
                assertThat(refused.refusal())
                    .isInstanceOfSatisfying(
                        FitRefusal.SymbolNotResolved.class,
                        unresolved -> assertThat(unresolved.symbol()).isEqualTo(symbol)));
  }

  private ElfObject module(Bytes image) {
    PatchObject plain = kernel.patch();
    PatchObject patch =
        new PatchObject(plain.description(), plain.variant(), image, plain.originals());
    LinkedPatch linked = Linker.link(patch, kernel.running());
    return ElfObject.parse("module", ModuleImage.build(linked, SHAPE, new byte[] {0}));
  }

  private static String code(ElfObject module) {
    return module.section(".text.alpha").orElseThrow().bytes().toHex();
  }

  /** movabs $placeholder,%rax; shr $12,%eax; ret - and tables for the two constants. */
  private static Bytes image(String pointerTable, String shiftTable) {
    ElfBuilder image = new ElfBuilder();
    ElfBuilder.Section text =
        image.section(
            ".text.alpha",
            ElfFormat.SHT_PROGBITS,
            ElfFormat.SHF_ALLOC | ElfFormat.SHF_EXECINSTR,
            16,
            0,
            Bytes.of(HexFormat.of().parseHex("48b8efcdab8967452301" + "c1e80c" + "c3")));
    image.symbol("alpha", text, 0, 14, SymbolBinding.LOCAL, SymbolType.FUNC);
    for (Map.Entry<String, Integer> table :
        List.of(Map.entry(pointerTable, 2), Map.entry(shiftTable, 12))) {
      ElfBuilder.Section section =
          image.section(
              table.getKey(),
              ElfFormat.SHT_PROGBITS,
              ElfFormat.SHF_ALLOC,
              1,
              0,
              Bytes.of(new byte[4]));
      image.relocation(
          section, 0, RelocationType.PC32, image.sectionSymbol(text), table.getValue());
    }
    return Bytes.of(image.build());
  }
}
