package org.lucos.patcher.build;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.lucos.patcher.bytes.MalformedDataException;

class CompileLineTest {
  private static final String RECORD =
      "cmd_fs/a.o := gcc-12 -Wp,-MMD,fs/.a.o.d -I./include -DNAME='\"a\"' -DCOST='$$5$(pound)' -c -o fs/a.o"
          + " /src/fs/a.c   ; ./tools/objtool/objtool --orc --retpoline   fs/a.o\n\nsource_fs/a.o := x\n";

  @Test
  void takesCompilerAndObjtoolApart() {
    CompileLine line = CompileLine.parse("x", RECORD);
    assertThat(line.source()).isEqualTo("/src/fs/a.c");
    assertThat(line.compiler()).contains("-DNAME=\"a\"", "-DCOST=$5#");
    assertThat(line.objtool("/tmp/b.o"))
        .containsExactly("./tools/objtool/objtool", "--orc", "--retpoline", "/tmp/b.o");
  }

  @Test
  void compilesAnotherSourceWithMoreFlags() {
    List<String> command =
        CompileLine.parse("x", RECORD).compile(List.of("-g0"), "/tmp/b.o", "/tmp/b.c");
    assertThat(command).startsWith("gcc-12", "-Wp,-MMD,/tmp/b.o.d", "-I./include");
    assertThat(command).endsWith("-g0", "-c", "-o", "/tmp/b.o", "/tmp/b.c");
  }

  @Test
  void knowsTheSpellingOfNewerKernelsAndObjectsWithoutObjtool() {
    CompileLine line = CompileLine.parse("x", "savedcmd_fs/a.o := gcc -O2 -c -o fs/a.o a.c  \n");
    assertThat(line.objtool("b.o")).isEmpty();
  }

  @Test
  void refusesWhatItDoesNotUnderstand() {
    for (String text :
        List.of(
            "",
            "deps_a.o := x",
            "cmd_a.o := gcc a.c",
            "cmd_a.o := gcc -c -o a.o 'a.c",
            "cmd_a.o := gcc -O2 -c -o a.o a.c ; rm -rf /")) {
      assertThatThrownBy(() -> CompileLine.parse("x", text))
          .isInstanceOf(MalformedDataException.class);
    }
  }

  @Test
  void anyMutationGivesALineOrAMalformedDataException() {
    Random random = new Random(1);
    for (int round = 0; round < 5000; round++) {
      StringBuilder text = new StringBuilder(RECORD);
      for (int i = 0; i < 1 + random.nextInt(4); i++) {
        text.setCharAt(random.nextInt(text.length()), (char) (9 + random.nextInt(118)));
      }
      try {
        assertThat(CompileLine.parse("fuzz", text.toString()).compiler()).isNotEmpty();
      } catch (MalformedDataException e) {
        assertThat(e.source()).isEqualTo("fuzz");
      }
    }
  }
}
