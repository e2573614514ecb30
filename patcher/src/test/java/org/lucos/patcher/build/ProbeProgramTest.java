package org.lucos.patcher.build;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.lucos.patcher.bytes.Bytes;
import org.lucos.patcher.bytes.MalformedDataException;
import org.lucos.patcher.refusal.InputRefusal;
import org.lucos.patcher.refusal.RefusedException;

class ProbeProgramTest {
  private static final int ROUNDS = 20_000;

  @TempDir Path folder;

  private Path source(String name, String code) throws IOException {
    Path file = folder.resolve(name);
    Files.createDirectories(file.getParent());
    return Files.writeString(file, code);
  }

  private static Bytes compiled(Path source) {
    return ProbeProgram.compile(source, new ProcessCommands());
  }

  @Test
  void programsAreStaticAndTheSameWhereverTheirSourceIs() throws IOException {
    String code = "#include <stdio.h>\nint main(void) { return puts(__FILE__) < 0; }\n";
    Bytes program = compiled(source("a/probe.c", code));
    ProbeProgram.requireSound(program);
    assertThat(compiled(source("b/c/probe.c", code))).isEqualTo(program);
    assertThat(program.size()).isBetween(1000, ProbeProgram.LARGEST);
  }

  @Test
  void whatDoesNotCompileSaysWhy() throws IOException {
    Path source = source("bad.c", "int main(void) { return nothing; }\n");
    assertThatThrownBy(() -> compiled(source))
        .isInstanceOfSatisfying(
            RefusedException.class,
            e -> {
              assertThat(e.refusal()).isInstanceOf(InputRefusal.BadSource.class);
              assertThat(e.refusal().message()).contains("bad.c", "nothing");
            });
  }

  @Test
  void whatNeedsLibrariesOrIsNoProgramIsRefused() throws IOException {
    assertThatThrownBy(() -> ProbeProgram.read(Path.of("/bin/ls").toRealPath()))
        .hasMessageContaining("interpreter");
    assertThatThrownBy(() -> ProbeProgram.read(source("s", "#!/bin/sh\nexit 0\n")))
        .hasMessageContaining("ELF");
    assertThatThrownBy(() -> ProbeProgram.read(folder.resolve("none")))
        .isInstanceOfSatisfying(
            RefusedException.class,
            e -> assertThat(e.refusal()).isInstanceOf(InputRefusal.NoProbe.class));
    Path large = source("large.c", "char data[3 << 20] = {1};\nint main(void) { return 0; }\n");
    assertThatThrownBy(() -> compiled(large)).hasMessageContaining("larger");
  }

  @Test
  void anyBytesAreAProgramOrNamed() throws IOException {
    byte[] good = compiled(source("p.c", "int main(void) { return 0; }\n")).slice(0, 900).toArray();
    Random random = new Random(7);
    int refused = 0;
    for (int i = 0; i < ROUNDS; i++) {
      try {
        ProbeProgram.requireSound(Bytes.of(Damage.any(good, random)));
      } catch (MalformedDataException e) {
        refused++;
      }
    }
    assertThat(refused).isBetween(ROUNDS / 10, ROUNDS - ROUNDS / 10);
  }
}
