package org.lucos.patcher.build;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.lucos.patcher.bytes.MalformedDataException;

class KernelObjectsTest {
  private static final String WALK =
      """
      directory .
      objtool --orc --uaccess
      builtin fs/built-in.a
      directory fs
      builtin fs/readdir.o fs/some/built-in.a
      cmd_fs/readdir.o := gcc -c -o fs/readdir.o /src/fs/readdir.c
      cmd_fs/entry.o := gcc -c -o fs/entry.o /src/fs/entry.S
      directory fs/some
      archive
      module some-fs fs/some/a.o fs/some/b.o
      module other fs/some/b.o
      cmd_fs/some/a.o := gcc -c -o fs/some/a.o /src/fs/some/a.c
      cmd_fs/some/b.o := gcc -c -o fs/some/b.o /src/fs/some/b.c
      """;

  @Test
  void everyObjectHasItsSourceItsPlaceAndItsCommand() {
    KernelObjects objects = KernelObjects.parse("walk", WALK);

    assertThat(objects.delayedObjtool()).containsExactly("--orc", "--uaccess");
    assertThat(objects.of("fs/readdir.c"))
        .get()
        .returns(new Placement.BuiltIn(), KernelObjects.KernelObject::placement);
    assertThat(objects.of("fs/some/a.c"))
        .get()
        .returns(new Placement.Module("some_fs"), KernelObjects.KernelObject::placement);
    assertThat(objects.of("fs/some/b.c"))
        .get()
        .returns(
            new Placement.Modules(List.of("other", "some_fs")),
            KernelObjects.KernelObject::placement);
    assertThat(objects.of("fs/entry.S").orElseThrow().placement())
        .isInstanceOf(Placement.NotBuilt.class);
    assertThat(objects.of("fs/entry.c")).isEmpty();
    assertThat(
            CompileLine.parse("walk", objects.of("fs/readdir.c").orElseThrow().command()).source())
        .isEqualTo("/src/fs/readdir.c");
  }

  @Test
  void whatIsNoListIsRefused() {
    assertThatThrownBy(() -> KernelObjects.parse("walk", "nonsense here\n"))
        .isInstanceOf(MalformedDataException.class);
  }
}
