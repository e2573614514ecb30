package org.lucos.patcher.build;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EditedFunctionsTest {
  private static final String BEFORE =
      """
      static int helper(int x)
      {
      	return x;
      }

      int caller(int x)
      {
      	return helper(x);
      }

      SYSCALL_DEFINE1(some, int, x)
      {
      	return caller(x);
      }
      """;

  @TempDir Path folder;

  @Test
  void onlyFunctionsWhoseOwnLinesChangeAreEdited() throws Exception {
    EditedFunctions edited = edited(BEFORE.replace("return x;", "return x + 1;"));
    assertThat(edited.names()).containsExactly("helper");
    assertThat(edited.hasSymbol("helper.constprop.0")).isTrue();
    assertThat(edited.hasSymbol("caller")).isFalse();
  }

  @Test
  void linesTakenOutOrPutInCountAndSystemCallsGoByAllTheirSymbols() throws Exception {
    assertThat(edited(BEFORE.replace("\treturn helper(x);\n", "")).names())
        .containsExactly("caller");
    EditedFunctions edited = edited(BEFORE.replace("return caller", "x++;\n\treturn caller"));
    assertThat(edited.hasSymbol("__x64_sys_some")).isTrue();
    assertThat(edited.hasSymbol("__do_sys_some")).isTrue();
    assertThat(edited.hasSymbol("__x64_sys_other")).isFalse();
  }

  @Test
  void macrosBetweenFunctionsBelongToNone() throws Exception {
    assertThat(edited("#define ONE 1\n" + BEFORE).names()).isEmpty();
  }

  private EditedFunctions edited(String after) throws Exception {
    Path source = Files.createDirectories(folder.resolve("source"));
    Path overlay = Files.createDirectories(folder.resolve("overlay"));
    Files.writeString(source.resolve("a.c"), BEFORE);
    Files.writeString(overlay.resolve("a.c"), after);
    return EditedFunctions.of(source, overlay, List.of("a.c", "b.c"), new ProcessCommands());
  }
}
