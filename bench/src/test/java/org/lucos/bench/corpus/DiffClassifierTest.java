package org.lucos.bench.corpus;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.lucos.bench.corpus.ChangedFile.Change;
import org.lucos.patcher.build.DiffTool;
import org.lucos.patcher.build.ProcessCommands;

class DiffClassifierTest {
  private static final String FILE =
      """
      // what it is
      #include <linux/fs.h>
      #define LIMIT 4

      struct thing {
      	int size;
      };
      typedef int (*visitor)(struct thing *);
      static int counter = 1;
      static int helper(struct thing *t);

      static int helper(struct thing *t)
      {
      	static int once = 1;
      	/* explains */
      	return t->size + once; /* more */
      }

      static int __init thing_init(void)
      {
      	return helper(NULL);
      }
      module_init(thing_init);
      static const struct file_operations ops = {
      	.open = thing_open,
      };
      """;

  private final DiffClassifier classifier = new DiffClassifier(new DiffTool(new ProcessCommands()));

  @ParameterizedTest
  @CsvSource({
    "t->size + once,          t->size - once,                         CODE_ONLY",
    "return t->size,          if (!t) return 0; return t->size,       CODE_ONLY",
    "(struct thing *t),       '(struct thing *t, int more)',          CODE_ONLY",
    "<linux/fs.h>,            <linux/mm.h>,                           CODE_ONLY",
    "LIMIT 4,                 LIMIT 5,                                CODE_ONLY",
    "explains,                explains more,                          COMMENTS",
    "/* more */,              '',                                     COMMENTS",
    "what it is,              what it was,                            COMMENTS",
    "int size;,               long size;,                             DATA_OR_TYPES",
    "counter = 1,             counter = 2,                            DATA_OR_TYPES",
    "once = 1,                once = 2,                               DATA_OR_TYPES",
    "thing_open,              other_open,                             DATA_OR_TYPES",
    "module_init(thing_init), late_initcall(thing_init),              DATA_OR_TYPES",
    "visitor)(struct thing,   visitor)(const struct thing,            DATA_OR_TYPES",
    "helper(NULL),            helper(NULL) + 1,                       INIT_CODE",
  })
  void aChangeIsWhatItsLinesAre(String before, String after, DiffClass kind) {
    assertThat(FILE).contains(before);
    assertThat(classify("fs/thing.c", FILE, FILE.replace(before, after)).kind()).isEqualTo(kind);
  }

  @Test
  void wholeFunctionsComeAndGo() {
    String more =
        FILE.replace(
            "static int __init",
            "static void fresh(int a,\n\t\t  int b)\n{\n\tmore(a, b);\n}\n\nstatic int __init");

    assertThat(classify("fs/thing.c", FILE, more).kind()).isEqualTo(DiffClass.CODE_ONLY);
    assertThat(classify("fs/thing.c", more, FILE).kind()).isEqualTo(DiffClass.CODE_ONLY);
  }

  @Test
  void theWorstLineDecidesAndIsNamed() {
    String both =
        FILE.replace("t->size + once", "0").replace("helper(NULL)", "1").replace("= 1;", "= 3;");

    assertThat(classify("fs/thing.c", FILE, both))
        .isEqualTo(new Classification(DiffClass.DATA_OR_TYPES, "9: static int counter = 1;"));
  }

  @Test
  void otherFilesAreClassifiedByName() {
    assertThat(classify("include/linux/fs.h", "a", "b").kind()).isEqualTo(DiffClass.HEADER);
    assertThat(classify("arch/x86/entry/entry_64.S", "a", "b").kind())
        .isEqualTo(DiffClass.ASSEMBLY);
    assertThat(classify("arch/x86/boot/main.c", FILE, FILE.replace("t->size + once", "0")).kind())
        .isEqualTo(DiffClass.INIT_CODE);
    assertThat(classify("Documentation/x.rst", "a", "b").kind()).isEqualTo(DiffClass.NOT_CODE);
    assertThat(classify("tools/x.c", "a", "b").kind()).isEqualTo(DiffClass.NOT_CODE);
    ChangedFile fresh = new ChangedFile("fs/fresh.c", Change.ADDED);
    assertThat(classifier.classify(fresh, "", "x").kind()).isEqualTo(DiffClass.ADDED_OR_REMOVED);
  }

  @Test
  void stringsThatLookLikeCommentsAreCode() {
    String url = FILE.replace("LIMIT 4", "URL \"http://a\"");

    assertThat(classify("fs/thing.c", url, url.replace("http://a", "http://b")).kind())
        .isEqualTo(DiffClass.CODE_ONLY);
  }

  private Classification classify(String path, String before, String after) {
    return classifier.classify(new ChangedFile(path, Change.CHANGED), before, after);
  }
}
