package org.lucos.tests.build;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.lucos.patcher.build.PatchVariant.SymbolReference;
import org.lucos.patcher.build.diff.PatchImage;
import org.lucos.patcher.bytes.Bytes;
import org.lucos.patcher.elf.ElfBuilder;
import org.lucos.patcher.elf.ElfCopy;
import org.lucos.patcher.elf.ElfObject;
import org.lucos.patcher.elf.ElfRelocation;
import org.lucos.patcher.elf.ElfSection;
import org.lucos.patcher.elf.ElfSymbol;
import org.lucos.patcher.elf.SymbolBinding;
import org.lucos.patcher.elf.SymbolType;

/**
 * Checks an image with the system's linker: the whole patched object is linked, then the image with
 * its functions at the same addresses and every reference resolved into the first. Each field of
 * each function must then hold the same address, or that of equal content.
 */
final class LinkOracle {
  private static final long DATA = 0x4000_0000;

  private final Path folder;
  private final ElfObject whole;
  private final Map<String, ElfSymbol> symbols = new HashMap<>();
  private int compared;

  private LinkOracle(Path folder, ElfObject whole) {
    this.folder = folder;
    this.whole = whole;
    for (ElfSymbol symbol : whole.symbols()) {
      symbols.put(symbol.name(), symbol);
    }
  }

  /** Compares; the number of fields that were. */
  static int check(Path folder, ElfObject patched, PatchImage image) throws IOException {
    Files.createDirectories(folder);
    Files.write(folder.resolve("whole.o"), ElfCopy.withoutDebug(patched));
    run(
        folder,
        "ld",
        "-o",
        "whole",
        "-e",
        "0",
        "--unresolved-symbols=ignore-all",
        "--no-relax",
        "whole.o");
    ElfObject linked = ElfObject.parse("whole", Files.readAllBytes(folder.resolve("whole")));
    LinkOracle oracle = new LinkOracle(folder, linked);
    oracle.compare(image);
    return oracle.compared;
  }

  private void compare(PatchImage image) throws IOException {
    ElfObject object = ElfObject.parse("image", image.elf());
    Files.write(folder.resolve("image.o"), image.elf().toArray());
    Files.write(folder.resolve("kernel.o"), kernel(image));
    Files.writeString(folder.resolve("image.ld"), script(object));
    run(
        folder,
        "ld",
        "-o",
        "image",
        "-e",
        "0",
        "--no-relax",
        "--no-warn-rwx-segments",
        "-T",
        "image.ld",
        "image.o",
        "kernel.o");
    ElfObject linked = ElfObject.parse("linked", Files.readAllBytes(folder.resolve("image")));
    for (ElfSection section : object.sections()) {
      if (section.name().startsWith(".text")) {
        for (ElfRelocation relocation : object.relocations(section)) {
          compare(section, relocation, linked);
        }
        assertThat(masked(object, section, section.bytes()))
            .as(section.name())
            .isEqualTo(masked(object, section, at(whole, address(section), section.size())));
      }
    }
  }

  private void compare(ElfSection section, ElfRelocation relocation, ElfObject linked) {
    int width = relocation.type().width();
    long field = address(section) + relocation.offset();
    Bytes ours = at(linked, field, width);
    Bytes theirs = at(whole, field, width);
    compared++;
    if (!ours.equals(theirs)) {
      long base = relocation.type().isPcRelative() ? field - relocation.addend() : 0;
      long ourTarget = base + number(ours);
      long theirTarget = base + number(theirs);
      String where =
          String.format(
              "%s+0x%x leads to 0x%x, not to 0x%x: %s",
              section.name(), relocation.offset(), ourTarget, theirTarget, relocation);
      assertThat(text(linked, ourTarget)).as(where).isEqualTo(text(whole, theirTarget));
    }
  }

  private static long number(Bytes field) {
    return field.size() == 8
        ? Integer.toUnsignedLong(field.i32(0)) | (long) field.i32(4) << 32
        : field.i32(0);
  }

  /** The bytes at an address up to a NUL behind the fourth, which tells strings and constants. */
  private static Bytes text(ElfObject file, long address) {
    Optional<ElfSection> found = sectionAt(file, address);
    if (found.isEmpty()) {
      return Bytes.EMPTY;
    }
    ElfSection section = found.get();
    if (section.isNoBits()) {
      return Bytes.EMPTY;
    }
    int start = (int) (address - section.address());
    int end = section.bytes().indexOf(0, Math.min(start + 1, section.bytes().size()));
    return section.bytes().slice(start, end < 0 ? section.bytes().size() : end);
  }

  private static Bytes at(ElfObject file, long address, long size) {
    ElfSection section = sectionAt(file, address).orElseThrow();
    int start = (int) (address - section.address());
    return section.bytes().slice(start, start + (int) size);
  }

  private static Optional<ElfSection> sectionAt(ElfObject file, long address) {
    return file.sections().stream()
        .filter(ElfSection::isAllocated)
        .filter(s -> s.address() <= address && address < s.address() + s.size())
        .findFirst();
  }

  private static Bytes masked(ElfObject object, ElfSection section, Bytes bytes) {
    byte[] result = bytes.toArray();
    for (ElfRelocation relocation : object.relocations(section)) {
      for (int i = 0; i < relocation.type().width(); i++) {
        result[(int) relocation.offset() + i] = 0;
      }
    }
    return Bytes.of(result);
  }

  /** Where the whole object has the function of a section of the image. */
  private long address(ElfSection section) {
    String name = section.name().replaceFirst("^\\.text\\.(unlikely\\.(?=.*\\.cold))?", "");
    ElfSymbol padding = symbols.get("__pfx_" + name);
    ElfSymbol symbol = symbols.get(name);
    if (symbol == null) {
      throw new IllegalStateException("no symbol " + name);
    }
    return padding == null ? symbol.value() : padding.value();
  }

  private String script(ElfObject object) {
    StringBuilder script = new StringBuilder("SECTIONS {\n");
    for (ElfSection section : object.sections()) {
      if (section.name().startsWith(".text")) {
        script.append(
            String.format(
                "  \"fixed%s\" 0x%x : { KEEP(*(\"%s\")) }\n",
                section.name(), address(section), section.name()));
      }
    }
    long next = DATA;
    for (ElfSection section : object.sections()) {
      if (section.isAllocated() && section.size() > 0 && !section.name().startsWith(".text")) {
        script.append(
            String.format(
                "  \"%s\" 0x%x : { KEEP(*(\"%s\")) }\n", section.name(), next, section.name()));
        next += (section.size() + 0xfff) & -0x1000L;
      }
    }
    return script.append("}\n").toString();
  }

  /** An object that defines every reference where the whole object has it. */
  private byte[] kernel(PatchImage image) {
    ElfBuilder builder = new ElfBuilder();
    for (SymbolReference reference : image.references()) {
      long address = 0;
      if (reference.object().isPresent()) {
        ElfSymbol symbol = symbols.get(reference.kernelName());
        assertThat(symbol).as(reference.symbol()).isNotNull();
        address = symbol == null ? 0 : symbol.value();
      }
      builder.absolute(reference.symbol(), address, 0, SymbolBinding.GLOBAL, SymbolType.NOTYPE);
    }
    return builder.build();
  }

  private static void run(Path folder, String... command) throws IOException {
    Process process =
        new ProcessBuilder(List.of(command))
            .directory(folder.toFile())
            .redirectErrorStream(true)
            .start();
    String output =
        new String(process.getInputStream().readAllBytes(), StandardCharsets.ISO_8859_1);
    try {
      assertThat(process.waitFor()).as(output).isZero();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }
}
