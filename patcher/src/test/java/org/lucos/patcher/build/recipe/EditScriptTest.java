package org.lucos.patcher.build.recipe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.lucos.patcher.build.recipe.EditScript.Expectation;
import org.lucos.patcher.bytes.MalformedDataException;
import org.lucos.patcher.refusal.InputRefusal;
import org.lucos.patcher.refusal.RefusedException;

class EditScriptTest {
  private static final String FILE =
      "int f(void)\n{\n\tint a = 1;\n\treturn 0;\n}\n\nint g(void)\n{\n\treturn 0;\n}\n";
  private static final String SCRIPT =
      """
      # a comment
      title: a title
      shows: something
      try: cat /x
      answer: [0-9]+

      file: a.c
      function: g
      above:
      | static int h;
      before: return 0;
      | 	h++;
      function: f
      replace: a = (\\d);
      | a = $1 + 1;
      after: return 0;
      | 	/* never */
      """;

  private static String apply(String script) {
    return String.valueOf(
        EditScriptReader.read("test", script).apply(path -> FILE).values().iterator().next());
  }

  @Test
  void doesEachEditInItsFunction() {
    assertThat(apply(SCRIPT))
        .isEqualTo(
            """
            int f(void)
            {
            \tint a = 1 + 1;
            \treturn 0;
            \t/* never */
            }

            static int h;

            int g(void)
            {
            \th++;
            \treturn 0;
            }
            """);
  }

  @Test
  void knowsItsHead() {
    EditScript script = EditScriptReader.read("test", SCRIPT);
    assertThat(script.title()).isEqualTo("a title");
    assertThat(script.expectation()).isEqualTo(Expectation.PATCH);
    assertThat(script.trial()).contains(new EditScript.Trial("cat /x", "[0-9]+"));
  }

  @Test
  void refusesAPlaceThatIsNotThereOrNotTheOnlyOne() {
    String head = "title: t\nshows: s\nfile: a.c\n";
    for (String edit :
        List.of(
            "function: nobody\nbefore: return\n| x\n",
            "function: f\nbefore: nothing like this\n| x\n",
            "before: return 0;\n| x\n")) {
      assertThatThrownBy(() -> apply(head + edit))
          .isInstanceOfSatisfying(
              RefusedException.class,
              e -> assertThat(e.refusal()).isInstanceOf(InputRefusal.PatchDoesNotApply.class));
    }
  }

  @Test
  void refusesAScriptItDoesNotUnderstand() {
    for (String script :
        List.of(
            "",
            "title: t\nshows: s\n",
            "title: t\nfile: a.c\nabove:\n| x\n",
            "title: t\nshows: s\nabove:\n| x\n",
            "title: t\nshows: s\nexpect: miracles\nfile: a.c\nabove:\n| x\n",
            "title: t\nshows: s\ntry: x\nfile: a.c\nabove:\n| x\n",
            "title: t\nshows: s\nsurprise: x\nfile: a.c\nabove:\n| x\n",
            "no key at all\n")) {
      assertThatThrownBy(() -> EditScriptReader.read("test", script))
          .isInstanceOf(MalformedDataException.class);
    }
  }

  @Test
  void anyMutationGivesAScriptOrAMalformedDataException() {
    Random random = new Random(3);
    for (int round = 0; round < 5000; round++) {
      StringBuilder text = new StringBuilder(SCRIPT);
      for (int i = 0; i < 1 + random.nextInt(5); i++) {
        text.setCharAt(random.nextInt(text.length()), ":|\nabf #".charAt(random.nextInt(8)));
      }
      try {
        assertThat(EditScriptReader.read("fuzz", text.toString()).edits()).isNotEmpty();
      } catch (MalformedDataException e) {
        assertThat(e.source()).isEqualTo("fuzz.edit");
      }
    }
  }
}
