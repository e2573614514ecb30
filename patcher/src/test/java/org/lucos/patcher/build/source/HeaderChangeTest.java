package org.lucos.patcher.build.source;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class HeaderChangeTest {
  private static final String HEADER =
      """
      #ifndef _LINUX_THING_H
      #define _LINUX_THING_H
      #include <linux/types.h>
      /* A thing; { in a comment. */
      struct thing {
      	int count; /* how many */
      };
      #define THING_MAX	16
      #define thing_for_each(t, all) \\
      	for ((t) = (all); (t); (t) = thing_next(t))
      extern int thing_add(struct thing *t, int n) __must_check;
      #ifdef CONFIG_THING
      static inline int thing_count(const struct thing *t)
      {
      	if (!t) {
      		return 0;
      #ifdef CONFIG_BIG
      	} else if (t->count > THING_MAX) {
      		return THING_MAX;
      #else
      	} else {
      #endif
      		return t->count;
      	}
      }
      #else
      static inline int thing_count(const struct thing *t) { return '{'; }
      #endif
      static __always_inline __printf(1, 2) int thing_say(const char *f, ...)
      {
      	return 0;
      }
      DEFINE_THING(first);
      #endif
      """;

  private static HeaderChange change(String from, String to) {
    assertThat(HEADER).contains(from);
    return HeaderChange.between(HEADER, HEADER.replace(from, to));
  }

  @Test
  void commentsAndBlanksAreNoChange() {
    assertThat(change("how many", "how few").isEmpty()).isTrue();
    assertThat(change("\tint count;", "\n  int  count;").isEmpty()).isTrue();
    assertThat(change("THING_MAX\t16", "THING_MAX 16 // sixteen").isEmpty()).isTrue();
  }

  @Test
  void aFunctionAMacroAndADeclarationAreTheirNames() {
    assertThat(change("return t->count;", "return 1;").names()).containsExactly("thing_count");
    assertThat(change("{ return '{'; }", "{ return 2; }").names()).containsExactly("thing_count");
    assertThat(change("THING_MAX\t16", "THING_MAX\t17").names()).containsExactly("THING_MAX");
    assertThat(change("(t); (t) =", "(t); (t)  = 0 ?:").names()).containsExactly("thing_for_each");
    assertThat(change("int n)", "long n)").names()).containsExactly("thing_add");
    assertThat(change("\treturn 0;\n}", "\treturn 1;\n}").names()).containsExactly("thing_say");
    assertThat(change("return t->count;", "return 1;").open()).isFalse();
  }

  @Test
  void typesConditionsAndLoneMacrosCannotBeToldByNames() {
    assertThat(change("int count;", "long count;").open()).isTrue();
    assertThat(change("#ifdef CONFIG_THING", "#if 1").open()).isTrue();
    assertThat(change("DEFINE_THING(first)", "DEFINE_THING(second)").open()).isTrue();
  }

  @Test
  void aNewTypeIsItsName() {
    HeaderChange change = change("struct thing {", "struct other {\n\tint x;\n};\nstruct thing {");

    assertThat(change.names()).containsExactly("other");
    assertThat(change.open()).isFalse();
  }

  @Test
  void anIncludeIsNamed() {
    HeaderChange change = change("#include <linux/types.h>", "#include \"types.h\"");

    assertThat(change.includes()).containsExactlyInAnyOrder("<linux/types.h>", "\"types.h\"");
    assertThat(change.open()).isFalse();
  }

  @Test
  void anAddedHeaderIsItsNames() {
    String quiet = HEADER.replace("DEFINE_THING(first);\n", "");
    HeaderChange change = HeaderChange.added(quiet);

    assertThat(change.names()).contains("thing", "THING_MAX", "thing_add", "thing_count");
    assertThat(change.includes()).containsExactly("<linux/types.h>");
    assertThat(change.open()).isFalse();
  }

  @Test
  void whatAnAddedHeaderDoesToOthersCannotBeToldByNames() {
    assertThat(HeaderChange.added(HEADER).open()).as("a lone macro").isTrue();
    assertThat(HeaderChange.added("#undef THING_MAX\n").open()).isTrue();
  }
}
