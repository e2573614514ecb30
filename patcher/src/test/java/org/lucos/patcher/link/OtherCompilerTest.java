package org.lucos.patcher.link;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.lucos.patcher.build.PatchObject;
import org.lucos.patcher.build.PatchVariant;
import org.lucos.patcher.build.ReferenceObject;
import org.lucos.patcher.bytes.Bytes;
import org.lucos.patcher.elf.ElfBuilder;
import org.lucos.patcher.elf.ElfFormat;
import org.lucos.patcher.elf.SymbolBinding;
import org.lucos.patcher.elf.SymbolType;
import org.lucos.patcher.refusal.FitRefusal;
import org.lucos.patcher.refusal.RefusedException;

/** What another compiler made is taken only where all of it equals what runs. */
class OtherCompilerTest {
  private final SampleKernel kernel = new SampleKernel();

  @Test
  void anObjectThatIsFoundAndEqualIsTaken() {
    PatchObject patch = patch(kernel.patch(), Optional.of("gcc-12 (Debian 12.2.0-14) 12.2.0"));
    assertThat(Linker.link(patch, kernel.running()).functions()).hasSize(1);
  }

  @Test
  void codeThatNothingCanBeComparedWithIsTakenOfTheKernelsOwnCompilerOnly() {
    PatchObject more = withAnotherObject(kernel.patch(), ".text");
    assertThat(Linker.link(patch(more, Optional.empty()), kernel.running()).functions()).hasSize(1);

    assertThatThrownBy(
            () -> Linker.link(patch(more, Optional.of("gcc-12 12.2.0")), kernel.running()))
        .isInstanceOfSatisfying(
            RefusedException.class,
            refused -> {
              assertThat(refused.refusal()).isInstanceOf(FitRefusal.TextMismatch.class);
              assertThat(refused).hasMessageContaining("gamma").hasMessageContaining("12.2.0");
            });
  }

  @Test
  void codeOfTheBootIsGoneAndNeedsNoProof() {
    PatchObject more = withAnotherObject(kernel.patch(), ".init.text");
    assertThat(Linker.link(patch(more, Optional.of("gcc-12 12.2.0")), kernel.running()).functions())
        .hasSize(1);
  }

  private static PatchObject patch(PatchObject patch, Optional<String> otherCompiler) {
    PatchVariant.Origin origin =
        new PatchVariant.Origin("a.diff", "", List.of(), otherCompiler, List.of());
    return new PatchObject(
        patch.description(), patch.variant().from(origin), patch.image(), patch.originals());
  }

  private static PatchObject withAnotherObject(PatchObject patch, String section) {
    ElfBuilder builder = new ElfBuilder();
    ElfBuilder.Section code =
        builder.section(
            section,
            ElfFormat.SHT_PROGBITS,
            ElfFormat.SHF_ALLOC | ElfFormat.SHF_EXECINSTR,
            16,
            0,
            Bytes.zeros(16));
    builder.symbol("gamma", code, 0, 16, SymbolBinding.LOCAL, SymbolType.FUNC);
    List<ReferenceObject> originals = new ArrayList<>(patch.originals());
    originals.add(new ReferenceObject("fs/other.o", Optional.empty(), Bytes.of(builder.build())));
    return new PatchObject(patch.description(), patch.variant(), patch.image(), originals);
  }
}
