package org.lucos.tests.build;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.InstanceOfAssertFactories.type;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.lucos.patcher.build.BuildRequest;
import org.lucos.patcher.build.DiffTool;
import org.lucos.patcher.build.PatchBuilder;
import org.lucos.patcher.build.PatchVariant;
import org.lucos.patcher.refusal.ChangeRefusal;
import org.lucos.patcher.refusal.InputRefusal;
import org.lucos.patcher.refusal.Refusal;
import org.lucos.patcher.refusal.RefusedException;

/** Diffs that bring headers of their own, or take some away. */
class AddedHeaderTest {
  private static final String FILE = "fs/proc/uptime.c";
  private static final String WORD = "#define LUCOS_WORD \"a word\"\n";

  private final String release = BuildHost.releases("6.1").get(0);
  private final Path cache;
  private final PatchBuilder builder;

  AddedHeaderTest(@TempDir Path cache) {
    this.cache = cache;
    this.builder = BuildHost.builder(cache);
  }

  @AfterEach
  void emptyCache() {
    BuildHost.empty(cache);
  }

  /** A diff that adds a file. */
  static String added(String path, String text) {
    StringBuilder diff = new StringBuilder("--- /dev/null\n+++ b/" + path + "\n");
    diff.append(String.format("@@ -0,0 +1,%d @@%n", text.lines().count()));
    text.lines().forEach(line -> diff.append('+').append(line).append('\n'));
    return diff.toString();
  }

  @ParameterizedTest
  @CsvSource({
    "fs/proc/lucos_word.h, \"lucos_word.h\"",
    "include/linux/lucos_word.h, <linux/lucos_word.h>",
    "fs/lucos/word.h, \"../lucos/word.h\""
  })
  void aPatchedFileReadsTheHeaderThatComesWithIt(String header, String include) throws IOException {
    PatchVariant variant = build(uptime(include) + added(header, WORD));

    assertThat(variant.functions())
        .singleElement()
        .satisfies(function -> assertThat(function.name()).isEqualTo("uptime_proc_show"));
    assertThat(source(header)).doesNotExist();
  }

  @Test
  void aHeaderThatGoesIsMissedByNobody() throws IOException {
    String header = "fs/nfs/sysfs.h"; // of a file that has nothing to do with it
    StringBuilder diff = new StringBuilder("--- a/" + header + "\n+++ /dev/null\n");
    List<String> lines = Files.readAllLines(source(header));
    diff.append(String.format("@@ -1,%d +0,0 @@%n", lines.size()));
    lines.forEach(line -> diff.append('-').append(line).append('\n'));
    String uptime = uptime("<linux/lucos_word.h>") + added("include/linux/lucos_word.h", WORD);

    assertThat(build(uptime + diff).functions()).hasSize(1);
  }

  @Test
  void aHeaderThatNobodyReadsChangesNothing() {
    assertThat(refused(added("include/linux/lucos_word.h", WORD)))
        .isInstanceOf(ChangeRefusal.NothingChanged.class);
  }

  @Test
  void aHeaderThatHidesAnotherIsRefused() throws IOException {
    Path output = builder.trees().prepare(release, BuildHost.LISTENER).output();
    assertThat(output.resolve("arch/x86/include/generated/asm/rwonce.h")).exists();
    assertThat(refused(added("arch/x86/include/asm/rwonce.h", WORD)))
        .asInstanceOf(type(ChangeRefusal.UnsupportedChange.class))
        .satisfies(
            refusal ->
                assertThat(refusal.message())
                    .contains("arch/x86/include/generated/asm/rwonce.h", "cannot be told apart"));
    assertThat(refused(added("fs/internal/../proc/lucos.h", WORD)))
        .as("a path that goes up")
        .isInstanceOf(InputRefusal.PatchDoesNotApply.class);
  }

  @ParameterizedTest
  @ValueSource(strings = {"fs/proc/lucos.c", "fs/proc/lucos.S", "fs/proc/Makefile.lucos"})
  void otherFilesCannotBeAdded(String path) {
    assertThat(refused(added(path, "\n")))
        .isInstanceOf(ChangeRefusal.UnsupportedChange.class)
        .extracting(Refusal::message)
        .asString()
        .contains(path);
  }

  @Test
  void whatIsThereAlreadyIsNotAdded() {
    assertThat(refused(added("fs/proc/internal.h", WORD)))
        .isInstanceOf(InputRefusal.PatchDoesNotApply.class)
        .extracting(Refusal::message)
        .asString()
        .contains("fs/proc/internal.h", "already");
  }

  private String uptime(String include) throws IOException {
    String before = Files.readString(source(FILE), StandardCharsets.ISO_8859_1);
    String end = "return 0;\n";
    assertThat(before).contains(end);
    String after =
        "#include "
            + include
            + "\n"
            + before.replaceFirst(end, "seq_puts(m, LUCOS_WORD);\n\t" + end);
    return new DiffTool(BuildHost.COMMANDS).unified(FILE, before, after);
  }

  private Path source(String file) {
    return builder.trees().prepare(release, BuildHost.LISTENER).source().resolve(file);
  }

  private PatchVariant build(String diff) {
    BuildRequest request = new BuildRequest(release, "x.diff", diff, "added", "", List.of());
    return builder.build(request, BuildHost.LISTENER).variant();
  }

  private Refusal refused(String diff) {
    Refusal[] refusal = new Refusal[1];
    assertThatThrownBy(() -> build(diff))
        .isInstanceOfSatisfying(RefusedException.class, e -> refusal[0] = e.refusal());
    return refusal[0];
  }
}
