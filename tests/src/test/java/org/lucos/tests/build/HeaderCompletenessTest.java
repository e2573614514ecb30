package org.lucos.tests.build;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.lucos.patcher.build.BuildListener;
import org.lucos.patcher.build.BuildRequest;
import org.lucos.patcher.build.DiffTool;
import org.lucos.patcher.build.Flavour;
import org.lucos.patcher.build.KernelTree;
import org.lucos.patcher.build.PatchBuilder;
import org.lucos.patcher.build.Placement;
import org.lucos.patcher.build.diff.ObjectDiff;
import org.lucos.patcher.elf.ElfObject;

/**
 * The objects that a changed inline function reaches: those that a build finds, against those that
 * compiling everything that names the header gives.
 */
class HeaderCompletenessTest {
  private static final String HEADER = "include/linux/fs_struct.h";

  /** In every inline function of the header. */
  private static final String BEFORE = "spin_lock(&fs->lock);";

  private static final String ADDED = "asm volatile(\"nopl 0x77(%rax)\");";

  @TempDir private Path cache;

  @AfterEach
  void emptyCache() {
    BuildHost.empty(cache);
  }

  /** Where the inline functions are, patched. */
  private enum Place {
    SAME_HEADER,
    ADDED_HEADER
  }

  @ParameterizedTest
  @EnumSource(Place.class)
  void everyObjectThatUsesAnInlineFunctionIsFound(Place place) throws IOException {
    String release = BuildHost.releases("6.1").get(0);
    PatchBuilder builder = BuildHost.builder(cache).keeping(true);
    KernelTree tree = builder.trees().prepare(release, BuildHost.LISTENER);
    String diff = place == Place.SAME_HEADER ? diff(tree) : diffThatMoves(tree);
    BuildRequest request = new BuildRequest(release, "header.diff", diff, "header", "", List.of());
    Set<String> found = new TreeSet<>();
    builder
        .build(request, BuildHost.LISTENER)
        .variant()
        .originals()
        .forEach(original -> found.add(original.object()));

    Path patched = patchedTree();
    Set<String> wanted = new TreeSet<>();
    for (String file : naming(tree)) {
      if (differs(tree, file, patched)) {
        wanted.add(file.substring(0, file.length() - 1) + "o");
      }
    }
    assertThat(wanted).hasSizeGreaterThan(5);
    assertThat(found).isEqualTo(wanted);
  }

  private static String diff(KernelTree tree) throws IOException {
    String text = Files.readString(tree.source().resolve(HEADER));
    assertThat(text).contains(BEFORE);
    StringBuilder diff = new StringBuilder("--- a/" + HEADER + "\n+++ b/" + HEADER + "\n");
    List<String> lines = text.lines().toList();
    int added = 0;
    for (int i = 0; i < lines.size(); i++) {
      if (lines.get(i).contains(BEFORE)) {
        diff.append(String.format("@@ -%d,1 +%d,2 @@%n", i + 1, i + 1 + added));
        diff.append("+\t").append(ADDED).append('\n');
        diff.append(' ').append(lines.get(i)).append('\n');
        added++;
      }
    }
    return diff.toString();
  }

  /** The inline functions in a header of their own, which the one that had them includes. */
  private static String diffThatMoves(KernelTree tree) throws IOException {
    String text = Files.readString(tree.source().resolve(HEADER));
    int begin = text.indexOf("static inline");
    int end = text.indexOf("\n}\n", text.lastIndexOf(BEFORE)) + 3;
    String moved = text.substring(begin, end).replace(BEFORE, ADDED + "\n\t" + BEFORE);
    String left = text.substring(0, begin) + "#include \"fs_moved.h\"\n" + text.substring(end);
    return new DiffTool(BuildHost.COMMANDS).unified(HEADER, text, left)
        + AddedHeaderTest.added(HEADER.replace("fs_struct", "fs_moved"), moved);
  }

  /** What the build has kept: the source with the header patched. */
  private Path patchedTree() throws IOException {
    try (Stream<Path> builds = Files.list(cache.resolve("builds"))) {
      return builds.findFirst().orElseThrow().resolve("1-sources/linux");
    }
  }

  /** The compiled files whose text has the header's name, found without our own scanner. */
  private static List<String> naming(KernelTree tree) throws IOException {
    String name = HEADER.substring("include/".length());
    try (Stream<Path> files = Files.walk(tree.source())) {
      return files
          .filter(file -> file.toString().endsWith(".c"))
          .filter(file -> text(file).contains("<" + name + ">"))
          .map(file -> tree.source().relativize(file).toString())
          .filter(file -> !file.startsWith("tools/") && !file.startsWith("samples/"))
          .filter(file -> !(tree.placement(file) instanceof Placement.NotBuilt))
          .toList();
    }
  }

  private static String text(Path file) {
    try {
      return Files.readString(file, ISO_8859_1);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private boolean differs(KernelTree tree, String file, Path overlay) {
    Path work = cache.resolve("work");
    byte[] before = tree.compile(file, Flavour.SECTIONS, BuildListener.SILENT);
    byte[] after = tree.compilePatched(file, overlay, work, Flavour.SECTIONS, BuildListener.SILENT);
    return !ObjectDiff.compareUser(
            file, ElfObject.parse(file, before), ElfObject.parse(file + " (patched)", after))
        .isEmpty();
  }
}
