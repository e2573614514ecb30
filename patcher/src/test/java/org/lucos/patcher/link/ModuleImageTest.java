package org.lucos.patcher.link;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.lucos.bridge.addr.AddressRange;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.patcher.bytes.Bytes;
import org.lucos.patcher.elf.ElfFormat;
import org.lucos.patcher.elf.ElfObject;
import org.lucos.patcher.elf.ElfRelocation;
import org.lucos.patcher.elf.ElfSection;
import org.lucos.patcher.elf.ElfSymbol;
import org.lucos.patcher.kernel.KernelSymbol;
import org.lucos.patcher.refusal.FitRefusal;
import org.lucos.patcher.refusal.RefusedException;

class ModuleImageTest {
  private static final byte[] LEDGER = "{}\0".getBytes(StandardCharsets.US_ASCII);
  private static final ModuleImage.Shape SHAPE =
      new ModuleImage.Shape(1024, 24, 56, "6.1.0-test SMP", Bytes.of(new byte[64]));

  private final SampleKernel kernel = new SampleKernel();
  private final LinkedPatch linked =
      Linker.link(kernel.patch(SampleKernel.global("global_value")), kernel.running());

  @Test
  void everySymbolOfTheKernelIsANumber() {
    ElfObject module = ElfObject.parse("module", ModuleImage.build(linked, SHAPE, LEDGER));

    assertThat(module.symbols().stream().filter(each -> each.index() > 0))
        .noneMatch(ElfSymbol::isUndefined);
    ElfSymbol symbol = module.symbols("global_value").get(0);
    assertThat(symbol.section()).isEqualTo(ElfSymbol.ABSOLUTE);
    assertThat(symbol.value()).isEqualTo(SampleKernel.START + 0x8000);
  }

  @Test
  void theLoaderFindsWhatItAsksFor() {
    ElfObject module = ElfObject.parse("module", ModuleImage.build(linked, SHAPE, LEDGER));

    ElfSection self = module.section(".gnu.linkonce.this_module").orElseThrow();
    assertThat(self.size()).isEqualTo(1024);
    assertThat(self.isAllocated()).isTrue();
    assertThat(self.isNoBits()).isFalse();
    assertThat(text(self).substring(24)).startsWith("lucos_sample\0");
    assertThat(List.of(text(module.section(".modinfo").orElseThrow()).split("\0", -1)))
        .contains("name=lucos_sample", "license=GPL", "vermagic=6.1.0-test SMP", "retpoline=Y")
        .doesNotContain("intree=Y");
    assertThat(module.section("__versions").orElseThrow().size()).isEqualTo(64);
    assertThat(module.sections().stream().filter(each -> each.type() == ElfFormat.SHT_SYMTAB))
        .hasSize(1);
    assertThat(module.sections()).noneMatch(each -> each.isWritable() && each.isCode());
  }

  @Test
  void theLedgerIsReadOnlyAndNamed() {
    ElfObject module = ElfObject.parse("module", ModuleImage.build(linked, SHAPE, LEDGER));

    ElfSymbol symbol = module.symbols(ModuleImage.LEDGER_SYMBOL).get(0);
    ElfSection section = module.section(symbol.section());
    assertThat(symbol.value()).isZero();
    assertThat(section.bytes().toArray()).isEqualTo(LEDGER);
    assertThat(section.isAllocated()).isTrue();
    assertThat(section.isWritable()).isFalse();
  }

  @Test
  void aKernelWithoutCrcsGetsNoVersions() {
    ModuleImage.Shape plain = new ModuleImage.Shape(1024, 24, 56, "x", Bytes.EMPTY);

    assertThat(
            ElfObject.parse("module", ModuleImage.build(linked, plain, LEDGER))
                .section("__versions"))
        .isEmpty();
  }

  @Test
  void readelfHasNoComplaint(@TempDir Path folder) throws IOException, InterruptedException {
    Path file = folder.resolve("module.ko");
    Files.write(file, ModuleImage.build(linked, SHAPE, LEDGER));

    Process readelf =
        new ProcessBuilder("readelf", "-aW", file.toString()).redirectErrorStream(true).start();
    String output = new String(readelf.getInputStream().readAllBytes(), StandardCharsets.UTF_8);

    assertThat(readelf.waitFor()).isZero();
    assertThat(output).doesNotContainIgnoringCase("warning").contains(".lucos.ledger");
  }

  @Test
  void aSymbolTheBundleDoesNotListIsRefused() {
    LinkedPatch poorer =
        new LinkedPatch(
            linked.kernel(),
            linked.description(),
            linked.variant(),
            linked.image(),
            linked.modules(),
            linked.functions(),
            Map.of(),
            Map.of());

    assertThatThrownBy(() -> ModuleImage.build(poorer, SHAPE, LEDGER))
        .isInstanceOfSatisfying(
            RefusedException.class,
            refused ->
                assertThat(refused.refusal()).isInstanceOf(FitRefusal.SymbolNotResolved.class));
  }

  @Test
  void loadedCodeIsComparedToTheLastByte() {
    byte[] image = ModuleImage.build(linked, SHAPE, LEDGER);
    long base = SampleKernel.START + 0xe000;
    load(image, base);
    List<KernelSymbol> symbols =
        List.of(
            new KernelSymbol(
                "alpha", new GuestVirtualAddress(base), 't', Optional.of("lucos_sample")));
    List<AddressRange> text = List.of(new AddressRange(new GuestVirtualAddress(base), 0x1000));

    LoadedImage loaded = LoadedImage.check(linked, image, "lucos_sample", symbols, text, kernel, 0);
    assertThat(loaded.address("alpha").value()).isEqualTo(base);
    assertThat(loaded.addresses()).containsOnlyKeys("alpha");

    for (int offset = 0; offset < 8; offset++) {
      int before = kernel.at(base + offset);
      kernel.write(base + offset, new byte[] {(byte) (before + 1)});
      int at = offset;
      assertThatThrownBy(
              () -> LoadedImage.check(linked, image, "lucos_sample", symbols, text, kernel, 0))
          .as("offset %d", at)
          .isInstanceOfSatisfying(
              RefusedException.class,
              refused -> assertThat(refused.refusal()).isInstanceOf(FitRefusal.TextMismatch.class));
      kernel.write(base + offset, new byte[] {(byte) before});
    }
  }

  private void load(byte[] image, long base) {
    ElfObject module = ElfObject.parse("module", image);
    ElfSection text = module.section(".text.alpha").orElseThrow();
    byte[] content = text.bytes().toArray();
    for (ElfRelocation relocation : module.relocations(text)) {
      relocation
          .type()
          .apply(
              content,
              (int) relocation.offset(),
              relocation.symbol().value(),
              relocation.addend(),
              base + relocation.offset());
    }
    kernel.write(base, content);
  }

  private static String text(ElfSection section) {
    return new String(section.bytes().toArray(), StandardCharsets.ISO_8859_1);
  }
}
