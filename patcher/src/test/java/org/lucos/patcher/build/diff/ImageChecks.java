package org.lucos.patcher.build.diff;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.lucos.patcher.build.PatchVariant.SymbolReference;
import org.lucos.patcher.elf.ElfObject;
import org.lucos.patcher.elf.ElfRelocation;
import org.lucos.patcher.elf.ElfSection;
import org.lucos.patcher.elf.ElfSymbol;

/** What must hold for every image, whatever is in it. */
public final class ImageChecks {
  private ImageChecks() {}

  /** Checks an image with our own parser and with binutils. */
  public static void check(PatchImage image) {
    ElfObject elf = ElfObject.parse("image", image.elf());
    Set<String> undefined =
        elf.symbols().stream()
            .filter(s -> s.index() > 0 && s.isUndefined())
            .map(ElfSymbol::name)
            .collect(Collectors.toSet());
    assertThat(image.references())
        .extracting(SymbolReference::symbol)
        .doesNotHaveDuplicates()
        .containsExactlyInAnyOrderElementsOf(undefined);
    List<String> names = new ArrayList<>();
    for (ElfSection section : elf.sections()) {
      if (section.isAllocated()) {
        names.add(section.name());
        assertThat(section.name()).doesNotStartWith(".init").doesNotStartWith(".exit");
      }
      for (ElfRelocation relocation : elf.relocations(section)) {
        ElfSymbol symbol = relocation.symbol();
        assertThat(relocation.type().isApplicable()).isTrue();
        assertThat(symbol.isUndefined() ? undefined.contains(symbol.name()) : symbol.isInSection())
            .as("%s in %s", relocation, section.name())
            .isTrue();
      }
    }
    // sysfs warns if a module has two sections of one name
    assertThat(names).doesNotHaveDuplicates();
    for (PatchImage.ReplacedFunction function : image.functions()) {
      assertThat(elf.symbols(function.symbol())).filteredOn(ElfSymbol::isInSection).hasSize(1);
    }
    byBinutils(image);
  }

  private static void byBinutils(PatchImage image) {
    try {
      Path folder = Files.createTempDirectory("lucos-image");
      Path file = folder.resolve("image.o");
      Path linked = folder.resolve("linked.o");
      try {
        Files.write(file, image.elf().toArray());
        assertThat(KernelC.run(folder, List.of("readelf", "-aW", "image.o")))
            .doesNotContainIgnoringCase("warning")
            .doesNotContainIgnoringCase("error:");
        assertThat(KernelC.run(folder, List.of("ld", "-r", "-o", "linked.o", "image.o"))).isEmpty();
      } finally {
        Files.deleteIfExists(file);
        Files.deleteIfExists(linked);
        Files.delete(folder);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
