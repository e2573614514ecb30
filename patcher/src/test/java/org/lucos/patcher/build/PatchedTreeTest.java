package org.lucos.patcher.build;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PatchedTreeTest {
  private final Path source;
  private final Path root;

  PatchedTreeTest(@TempDir Path folder) {
    this.source = folder.resolve("source");
    this.root = folder.resolve("patched");
  }

  @BeforeEach
  void write() {
    FileTrees.writeText(source.resolve("fs/proc/a.c"), "a");
    FileTrees.writeText(source.resolve("fs/proc/deep/b.c"), "b");
    FileTrees.writeText(source.resolve("fs/local.h"), "original");
    FileTrees.writeText(source.resolve("mm/m.c"), "m");
    FileTrees.writeText(root.resolve("fs/local.h"), "patched");
  }

  @Test
  void includesRelativeToAnOpenDirectoryFindThePatchedFile() {
    new PatchedTree(source, root).open("fs/proc");

    assertThat(root.resolve("fs/proc/../local.h")).hasContent("patched");
    assertThat(root.resolve("fs/proc/a.c")).hasContent("a").isSymbolicLink();
    assertThat(root.resolve("mm")).isSymbolicLink();
    assertThat(root.resolve("fs/proc/deep/../../local.h")).hasContent("original");
    assertThat(source.resolve("fs/local.h")).hasContent("original");
  }

  @Test
  void linksAreShortWhereverTheSourceIs() throws IOException {
    new PatchedTree(source, root).open("fs/proc");

    Path link = root.resolve("fs/proc/a.c");
    assertThat(Files.readSymbolicLink(link)).hasToString("../../.original/fs/proc/a.c");
    assertThat(link.toRealPath()).isEqualTo(source.resolve("fs/proc/a.c").toRealPath());
  }

  @Test
  void everythingBelowCanBeOpened() {
    PatchedTree tree = new PatchedTree(source, root);
    tree.open("fs");
    tree.openAll("fs");

    assertThat(root.resolve("fs/proc/deep/../../local.h")).hasContent("patched");
    assertThat(Files.isDirectory(root.resolve("fs/proc/deep"), LinkOption.NOFOLLOW_LINKS)).isTrue();
  }

  @Test
  void whoReadsTheOriginalOfAPatchedFileIsCaught(@TempDir Path folder) {
    PatchedTree tree = new PatchedTree(source, root);
    tree.open("fs");
    Path dependencies = folder.resolve("x.d");

    FileTrees.writeText(
        dependencies, "x.o: " + root + "/fs/proc/a.c \\\n " + root + "/fs/local.h\n");
    tree.requireSeen(dependencies);

    FileTrees.writeText(dependencies, "x.o: " + root + "/fs/proc/../local.h\n");
    assertThatThrownBy(() -> tree.requireSeen(dependencies))
        .isInstanceOf(BuildFailedException.class)
        .hasMessageContaining("fs/local.h");
  }
}
