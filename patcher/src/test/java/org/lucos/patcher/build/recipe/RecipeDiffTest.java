package org.lucos.patcher.build.recipe;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.lucos.patcher.build.DiffTool;
import org.lucos.patcher.build.ProcessCommands;

class RecipeDiffTest {
  private static final String BEFORE =
      """
      #include <a.h>

      static int fixed(int a)
      {
      	int b = a;
      	other(b);
      	return b;
      }

      static int unrelated(void)
      {
      	return 1;
      }
      """;
  private static final String AFTER =
      """
      #include <a.h>
      #include <b.h>

      static int helper(void)
      {
      	return 7;
      }

      static int fixed(int a)
      {
      	int b = a;
      	if (a < 0)
      		return helper();
      	renamed(b);
      	return b;
      }

      static int unrelated(void)
      {
      	return 2;
      }
      """;

  private final RecipeDiff recipe = new RecipeDiff(new DiffTool(new ProcessCommands()));

  private String select(Optional<String> only, String... functions) {
    return recipe.select(BEFORE, AFTER, List.of(functions), only.map(Pattern::compile));
  }

  @Test
  void takesOnlyWhatIsInTheNamedFunction() {
    assertThat(select(Optional.empty(), "fixed"))
        .contains("if (a < 0)", "renamed(b)", "return 1;")
        .doesNotContain("<b.h>", "return 7", "return 2");
  }

  @Test
  void takesNewFunctionsWhole() {
    assertThat(select(Optional.empty(), "fixed", "helper"))
        .contains("static int helper(void)\n{\n\treturn 7;\n}\n", "if (a < 0)")
        .doesNotContain("<b.h>", "return 2");
  }

  @Test
  void takesOnlyRunsThatHoldThePattern() {
    String closer = AFTER.replace("\trenamed(b);\n\treturn b;", "\tother(b);\n\treturn -b;");
    String result =
        recipe.select(BEFORE, closer, List.of("fixed"), Optional.of(Pattern.compile("a < 0")));
    assertThat(result).contains("if (a < 0)", "\treturn b;").doesNotContain("return -b");
  }

  @Test
  void equalFunctionsGiveTheOriginal() {
    assertThat(recipe.select(BEFORE, BEFORE, List.of("fixed"), Optional.empty())).isEqualTo(BEFORE);
    assertThat(select(Optional.empty(), "nowhere")).isEqualTo(BEFORE);
  }
}
