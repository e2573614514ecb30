package org.lucos.patcher.build;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.lucos.patcher.build.PatchAssembler.CompiledFile;
import org.lucos.patcher.build.PatchAssembler.TargetKernel;
import org.lucos.patcher.build.PatchVariant.TargetFunction;
import org.lucos.patcher.build.diff.KernelC;
import org.lucos.patcher.bytes.Bytes;
import org.lucos.patcher.elf.ElfObject;
import org.lucos.patcher.elf.ElfSymbol;
import org.lucos.patcher.refusal.ChangeRefusal;
import org.lucos.patcher.refusal.RefusedException;

class PatchAssemblerTest {
  private static final PatchDescription DESCRIPTION =
      new PatchDescription("Fix the thing!", "", List.of(), Instant.EPOCH, "0.1.0");
  private static final TargetKernel KERNEL =
      new TargetKernel("6.1.0-56-cloud-amd64", Optional.empty(), "gcc-12 12.2.0");

  private static final String SOURCE =
      """
      int error(const char *, int) __attribute__((cold));
      int work(int);
      static int calls;
      int before(int x) { return printk("before", x); }
      int target(int x) { calls++; if (unlikely(x > 9)) { error("one", x); return -22; }
        return work(x) + before(calls); }
      """;

  private static CompiledFile file(String object, String before, String after) {
    return new CompiledFile(
        object,
        Optional.empty(),
        true,
        KernelC.plainObject(before),
        KernelC.sectionsObject(before),
        KernelC.sectionsObject(after));
  }

  private static PatchObject assemble(CompiledFile... files) {
    return PatchAssembler.assemble(DESCRIPTION, KERNEL, List.of(files));
  }

  @Test
  void targetsAreDescribedByThePlainObject() {
    CompiledFile file = file("kernel/thing.o", SOURCE, SOURCE.replace("-22", "-33"));

    PatchObject patch = assemble(file);

    TargetFunction target = patch.variant().functions().get(0);
    ElfObject plain = ElfObject.parse("plain", file.plain());
    ElfSymbol symbol = plain.symbols("target").get(0);
    assertThat(target.name()).isEqualTo("target");
    assertThat(target.object()).isEqualTo("kernel/thing.o");
    assertThat(target.local()).isFalse();
    assertThat(target.size()).isEqualTo(symbol.size());
    assertThat(target.sympos()).isEmpty();
    assertThat(target.replacement()).isEqualTo("target");
    assertThat(target.parts())
        .singleElement()
        .satisfies(
            part -> {
              assertThat(part.name()).isEqualTo("target.cold");
              assertThat(part.size()).isEqualTo(plain.symbols("target.cold").get(0).size());
            });
    assertThat(target.replacementParts()).containsExactly("target.cold");
    assertThat(target.sha256()).matches("[0-9a-f]{64}");
  }

  @Test
  void thePreImageDoesNotDependOnRelocatedFields() {
    String other =
        SOURCE.replace("int before(int x)", "int padding(int x) { return x; } int before(int x)");

    String first =
        assemble(file("a.o", SOURCE, SOURCE.replace("-22", "-33")))
            .variant()
            .functions()
            .get(0)
            .sha256();
    String second =
        assemble(file("a.o", other, other.replace("-22", "-33")))
            .variant()
            .functions()
            .get(0)
            .sha256();

    assertThat(second).isEqualTo(first);
  }

  @Test
  void digestsFitTheContent() {
    PatchObject patch = assemble(file("kernel/thing.o", SOURCE, SOURCE.replace("-22", "-33")));

    assertThat(patch.variant().image().sha256()).isEqualTo(patch.image().sha256());
    assertThat(patch.variant().image().size()).isEqualTo(patch.image().size());
    ReferenceObject original = patch.originals().get(0);
    assertThat(original.object()).isEqualTo("kernel/thing.o");
    assertThat(patch.variant().originals().get(0).entry().sha256())
        .isEqualTo(original.elf().sha256());
    assertThat(ElfObject.parse("original", original.elf()).sections())
        .noneMatch(s -> s.name().equals(".comment"));
  }

  @Test
  void aPatchGoesThroughABundle(@TempDir Path folder) {
    PatchObject patch = assemble(file("kernel/thing.o", SOURCE, SOURCE.replace("-22", "-33")));
    Path file = folder.resolve("thing.lucos");

    Bundle.of(List.of(patch)).write(file);

    assertThat(Bundle.read(file).objects()).containsExactly(patch);
  }

  @Test
  void filesWithoutChangeAreLeftOut() {
    PatchObject patch =
        assemble(
            file("b/same.o", SOURCE, SOURCE),
            file("a/other.o", SOURCE, SOURCE.replace("-22", "-33")));

    assertThat(patch.originals()).extracting(ReferenceObject::object).containsExactly("a/other.o");
  }

  @Test
  void noChangeAtAllIsRefused() {
    assertThatThrownBy(() -> assemble(file("a.o", SOURCE, "\n" + SOURCE)))
        .isInstanceOfSatisfying(
            RefusedException.class,
            e -> assertThat(e.refusal()).isInstanceOf(ChangeRefusal.NothingChanged.class));
  }

  @Test
  void newFunctionsThatNothingCallsAreNoChange() {
    assertThatThrownBy(
            () -> assemble(file("a.o", SOURCE, SOURCE + "int fresh(int x) { return work(x); }\n")))
        .isInstanceOfSatisfying(
            RefusedException.class,
            e -> {
              assertThat(e.refusal()).isInstanceOf(ChangeRefusal.NothingChanged.class);
              assertThat(e.refusal().message()).contains("fresh");
            });
  }

  @Test
  void aFunctionThePlainObjectDoesNotHaveIsRefused() {
    CompiledFile file =
        new CompiledFile(
            "a.o",
            Optional.empty(),
            true,
            KernelC.plainObject(SOURCE.replace("target", "renamed")),
            KernelC.sectionsObject(SOURCE),
            KernelC.sectionsObject(SOURCE.replace("-22", "-33")));

    assertThatThrownBy(() -> assemble(file))
        .isInstanceOf(RefusedException.class)
        .hasMessageContaining("'target'")
        .hasMessageContaining("0 symbols");
  }

  @Test
  void moduleNamesAreShortPlainAndDifferByContent() {
    String plain = PatchAssembler.moduleName("Fix the thing!", "6.1", Bytes.EMPTY);
    String other = PatchAssembler.moduleName("Fix the thing!", "6.12", Bytes.EMPTY);
    String changed = PatchAssembler.moduleName("Fix the thing!", "6.1", Bytes.zeros(1));
    String long1 = PatchAssembler.moduleName("x".repeat(200), "6.1", Bytes.EMPTY);

    assertThat(plain).matches("lucos_fix_the_thing_[0-9a-f]{8}");
    assertThat(List.of(plain, other, changed)).doesNotHaveDuplicates();
    assertThat(long1).hasSize(55).matches("lucos_x+_[0-9a-f]{8}");
    assertThat(PatchAssembler.moduleName("\u00e4\u00f6", "6.1", Bytes.EMPTY))
        .matches("[a-z0-9_]{1,55}");
  }
}
