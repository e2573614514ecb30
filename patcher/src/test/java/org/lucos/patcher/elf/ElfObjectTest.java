package org.lucos.patcher.elf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import net.fornwall.jelf.ElfFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.lucos.patcher.build.diff.KernelC;
import org.lucos.patcher.bytes.Bytes;
import org.lucos.patcher.bytes.MalformedDataException;

class ElfObjectTest {
  private static final String SOURCE =
      """
      static int counter; int table[3] = { 1, 2, 3 }; extern int elsewhere;
      __attribute__((weak)) int weak(int x) { return x; }
      int first(int x) { WARN_ON(x); return printk("first %d", x + elsewhere); }
      static noinline int second(int x) { return get_user(x, &table[x]) + counter++; }
      int third(int x) { return second(x) + second(x + 1) + weak(x); }
      """;

  private final Bytes file = KernelC.sectionsObject(SOURCE);
  private final ElfObject object = ElfObject.parse("test.o", file);

  @TempDir Path folder;

  private String readelf(String option) throws IOException {
    Files.write(folder.resolve("test.o"), file.toArray());
    return KernelC.run(folder, List.of("readelf", option, "-W", "test.o"));
  }

  @Test
  void sectionsAreThoseReadelfSees() throws IOException {
    Pattern line =
        Pattern.compile(
            "(?m)^ +\\[ *(\\d+)] (\\S+) +(\\S+) +(\\p{XDigit}+) +(\\p{XDigit}+) +(\\p{XDigit}+)"
                + " +(\\p{XDigit}+) +([A-Za-z]*) +(\\d+) +(\\d+) +(\\d+)");
    Matcher matcher = line.matcher(readelf("-S"));
    List<String> expected = new ArrayList<>();
    while (matcher.find()) {
      expected.add(
          String.join(
              " ",
              matcher.group(1),
              matcher.group(2),
              Integer.toString(Integer.parseInt(matcher.group(6), 16)),
              Integer.toString(Integer.parseInt(matcher.group(7), 16)),
              matcher.group(9),
              matcher.group(10),
              matcher.group(11)));
    }

    List<String> actual =
        object.sections().stream()
            .skip(1)
            .map(
                s ->
                    s.index()
                        + " "
                        + s.name()
                        + " "
                        + s.size()
                        + " "
                        + s.entrySize()
                        + " "
                        + s.link()
                        + " "
                        + s.info()
                        + " "
                        + s.alignment())
            .toList();
    assertThat(expected).hasSizeGreaterThan(10);
    assertThat(actual).isEqualTo(expected);
  }

  @Test
  void symbolsAreThoseReadelfSees() throws IOException {
    Pattern line =
        Pattern.compile(
            "(?m)^ +(\\d+): (\\p{XDigit}+) +(\\d+) (\\S+) +(\\S+) +(\\S+) +(\\S+) ?(\\S*)$");
    Matcher matcher = line.matcher(readelf("-s"));
    List<String> expected = new ArrayList<>();
    while (matcher.find()) {
      boolean section = matcher.group(4).equals("SECTION");
      expected.add(
          String.join(
              " ",
              matcher.group(1),
              Long.toString(Long.parseLong(matcher.group(2), 16)),
              matcher.group(3),
              matcher.group(4),
              matcher.group(5),
              matcher.group(7),
              section ? "" : matcher.group(8)));
    }

    List<String> actual =
        object.symbols().stream()
            .map(
                s ->
                    s.index()
                        + " "
                        + s.value()
                        + " "
                        + s.size()
                        + " "
                        + s.type()
                        + " "
                        + s.binding()
                        + " "
                        + index(s.section())
                        + " "
                        + s.name())
            .toList();
    assertThat(expected).hasSizeGreaterThan(10);
    assertThat(actual).isEqualTo(expected);
  }

  private static String index(int section) {
    return switch (section) {
      case ElfSymbol.UNDEFINED -> "UND";
      case ElfSymbol.ABSOLUTE -> "ABS";
      case ElfSymbol.COMMON -> "COM";
      default -> Integer.toString(section);
    };
  }

  @Test
  void relocationsAreThoseReadelfSees() throws IOException {
    Pattern line =
        Pattern.compile(
            "(?m)^(\\p{XDigit}{16}) +\\p{XDigit}{8}(\\p{XDigit}{8}) R_X86_64_\\S+ +\\p{XDigit}+"
                + " (\\S+) ([+-]) (\\p{XDigit}+)$");
    Matcher matcher = line.matcher(readelf("-r"));
    List<String> expected = new ArrayList<>();
    while (matcher.find()) {
      long addend = Long.parseLong(matcher.group(5), 16);
      expected.add(
          String.join(
              " ",
              Long.toString(Long.parseLong(matcher.group(1), 16)),
              Long.toString(Long.parseLong(matcher.group(2), 16)),
              matcher.group(3),
              Long.toString(matcher.group(4).equals("-") ? -addend : addend)));
    }

    List<String> actual = new ArrayList<>();
    for (ElfSection section : object.sections()) {
      for (ElfRelocation r : object.relocations(section)) {
        String name =
            r.symbol().name().isEmpty()
                ? object.section(r.symbol().section()).name()
                : r.symbol().name();
        actual.add(r.offset() + " " + r.type().number() + " " + name + " " + r.addend());
      }
    }
    assertThat(expected).hasSizeGreaterThan(10);
    assertThat(actual).containsExactlyInAnyOrderElementsOf(expected);
  }

  @Test
  void jelfSeesTheSameContent() throws IOException {
    ElfFile other = ElfFile.from(new ByteArrayInputStream(file.toArray()));

    for (ElfSection section : object.sections()) {
      var theirs = other.getSection(section.index());
      assertThat(theirs.header.getName() == null ? "" : theirs.header.getName())
          .isEqualTo(section.name());
      assertThat(theirs.header.sh_flags).isEqualTo(section.flags());
      if (section.index() > 0 && !section.isNoBits()) {
        assertThat(Bytes.of(theirs.getData())).isEqualTo(section.bytes());
      }
    }
  }

  @Test
  void linkedFilesGiveSectionsAndSymbols() throws IOException {
    Files.writeString(folder.resolve("main.c"), "int answer = 42; int main(void) { return 0; }\n");
    KernelC.run(folder, List.of("gcc", "-o", "main", "main.c"));

    ElfObject program = ElfObject.parse("main", Files.readAllBytes(folder.resolve("main")));

    assertThat(program.type()).isEqualTo(ElfFormat.ET_DYN);
    assertThat(program.section(".data").orElseThrow().address()).isNotZero();
    assertThat(program.symbols("answer"))
        .singleElement()
        .satisfies(s -> assertThat(s.size()).isEqualTo(4));
  }

  @Test
  void aCopyWithoutDebugInformationKeepsWhatIsLoaded() throws IOException {
    Files.writeString(
        folder.resolve("debug.c"),
        "int puts(const char *); int f(int x) { return puts(\"f\") + x; }\n");
    KernelC.run(folder, List.of("gcc", "-g", "-O2", "-c", "-o", "debug.o", "debug.c"));
    Bytes whole = Bytes.of(Files.readAllBytes(folder.resolve("debug.o")));
    ElfObject before = ElfObject.parse("debug.o", whole);

    byte[] stripped = ElfCopy.withoutDebug(before);
    ElfObject after = ElfObject.parse("stripped.o", stripped);

    assertThat(stripped.length).isLessThan(whole.size() / 2);
    assertThat(after.sections())
        .extracting(ElfSection::name)
        .noneMatch(name -> name.startsWith(".debug") || name.equals(".comment"));
    for (ElfSection section : before.sections()) {
      if (section.isAllocated()) {
        ElfSection copy = after.section(section.name()).orElseThrow();
        assertThat(copy.bytes()).isEqualTo(section.bytes());
        assertThat(copy.flags()).isEqualTo(section.flags());
        assertThat(copy.alignment()).isEqualTo(section.alignment());
        assertThat(after.relocations(copy)).hasSameSizeAs(before.relocations(section));
      }
    }
    Files.write(folder.resolve("stripped.o"), stripped);
    assertThat(KernelC.run(folder, List.of("readelf", "-aW", "stripped.o")))
        .doesNotContainIgnoringCase("warning");
    assertThat(KernelC.run(folder, List.of("objdump", "-dr", "-j", ".text", "stripped.o")))
        .isEqualToIgnoringWhitespace(
            KernelC.run(folder, List.of("objdump", "-dr", "-j", ".text", "debug.o"))
                .replace("debug.o", "stripped.o"));
    assertThat(ElfCopy.withoutDebug(after)).isEqualTo(stripped);
  }

  @Test
  void otherFilesAreRefusedWithSourceAndOffset() {
    assertThatThrownBy(() -> ElfObject.parse("empty", new byte[0]))
        .isInstanceOf(MalformedDataException.class)
        .hasMessageContaining("source=empty");
    byte[] wrongMachine = file.toArray();
    wrongMachine[18] = 3;
    assertThatThrownBy(() -> ElfObject.parse("i386", wrongMachine))
        .isInstanceOfSatisfying(
            MalformedDataException.class, e -> assertThat(e.offset()).isEqualTo(18));
    byte[] core = file.toArray();
    core[16] = 4;
    assertThatThrownBy(() -> ElfObject.parse("core", core))
        .isInstanceOf(MalformedDataException.class)
        .hasMessageContaining("unexpected file type");
    assertThatThrownBy(
            () ->
                ElfObject.parse("text", "#!/bin/sh\n".repeat(20).getBytes(StandardCharsets.UTF_8)))
        .isInstanceOf(MalformedDataException.class)
        .hasMessageContaining("not an ELF file");
  }
}
