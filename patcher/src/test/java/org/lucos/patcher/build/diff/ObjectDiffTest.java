package org.lucos.patcher.build.diff;

import static org.assertj.core.api.Assertions.assertThat;
import static org.lucos.patcher.build.diff.KernelC.compare;

import org.junit.jupiter.api.Test;

class ObjectDiffTest {
  private static final String BASE =
      """
      static int limit = 7;
      static const char *names[] = { "one", "two" };
      static noinline int helper(int x) { return x * limit; }
      int entry(int x) { printk("entry %d %s", x, names[x & 1]); return helper(x) + 1; }
      int other(int x) { WARN_ON(x > 3); return helper(x) - 1; }
      """;

  @Test
  void anObjectAgainstItselfChangesNothing() {
    Extraction extraction = compare(BASE, BASE);

    assertThat(extraction.isEmpty()).isTrue();
    assertThat(extraction.replacedFunctions()).isEmpty();
    assertThat(extraction.newFunctions()).isEmpty();
  }

  @Test
  void commentsAndBlankLinesChangeNothing() {
    assertThat(compare(BASE, "/* a\n comment */\n\n\n" + BASE).isEmpty()).isTrue();
  }

  @Test
  void aChangedConstantChangesItsFunctionAlone() {
    Extraction extraction = compare(BASE, BASE.replace("+ 1", "+ 2"));

    assertThat(extraction.replacedFunctions()).containsExactly("entry");
    assertThat(extraction.newFunctions()).isEmpty();
  }

  @Test
  void aChangedStringChangesItsFunction() {
    assertThat(compare(BASE, BASE.replace("entry %d", "entry: %d")).replacedFunctions())
        .containsExactly("entry");
  }

  @Test
  void stringsThatMoveChangeNothing() {
    String more = "int fresh(void) { return printk(\"a longer string before all others\"); }\n";

    Extraction extraction = compare(BASE, more + BASE);

    assertThat(extraction.replacedFunctions()).isEmpty();
    assertThat(extraction.newFunctions()).containsExactly("fresh");
  }

  @Test
  void aStaticFunctionIsFoundByName() {
    assertThat(compare(BASE, BASE.replace("x * limit", "x + limit")).replacedFunctions())
        .containsExactly("helper");
  }

  @Test
  void inliningCallersChangeWithWhatTheyInline() {
    String source =
        """
        static inline int inlined(int x) { return x * 3; }
        int first(int x) { return inlined(x) + 10; }
        int second(int x) { return inlined(x) + 20; }
        int third(int x) { return x; }
        """;

    assertThat(compare(source, source.replace("x * 3", "x * 5")).replacedFunctions())
        .containsExactly("first", "second");
  }

  @Test
  void anotherCalleeChangesTheCaller() {
    String source =
        """
        static noinline int one(int x) { return x + printk("x"); }
        static noinline int two(int x) { return x - printk("x"); }
        int caller(int x) { return one(x) * two(x); }
        int swap(int x) { return one(x) + 5; }
        """;

    assertThat(compare(source, source.replace("one(x) + 5", "two(x) + 5")).replacedFunctions())
        .containsExactly("swap");
  }

  @Test
  void linesOfWarningsChangeNothing() {
    assertThat(compare(BASE, BASE.replace("int other", "\n\nint other")).isEmpty()).isTrue();
  }

  @Test
  void flagsOfWarningsChangeTheirFunction() {
    assertThat(compare(BASE, BASE.replace("WARN_ON(", "WARN_ON_ONCE(")).replacedFunctions())
        .containsExactly("other");
  }

  @Test
  void lineNumbersInCodeChangeNothingWhereAWarningHasTheSame() {
    String source =
        """
        int checked(int x) { if (x) { printk("at %d", __LINE__); WARN_ON(1); } return x; }
        int message(int x) { if (x) { printk("at " __FILE__ ":4"); } return x; }
        int unchecked(int x) { if (x) { printk("at %d", __LINE__); } return x; }
        """;

    assertThat(compare(source, "\n\n" + source).replacedFunctions()).containsExactly("unchecked");
  }

  @Test
  void aChangedFixupOrHandlerChangesTheFunction() {
    String source = "int read(int *p) { int x = 0; return get_user(x, p) + x; }\n";
    assertThat(compare(source, source).isEmpty()).isTrue();
    assertThat(
            compare(source, source.replace("get_user(x, p)", "get_user_as(x, p, 4)"))
                .replacedFunctions())
        .containsExactly("read");
  }

  @Test
  void aChangedAlternativeChangesTheFunction() {
    String source =
        """
        void one(void) { alternative("nop; nop; nop", "stac", 5); }
        void empty(void) { alternative("nop; nop", "", 6); }
        void two(void) { alternative("nop; nop; nop", "clac", 7); }
        """;

    assertThat(compare(source, source.replace("clac", "lfence")).replacedFunctions())
        .containsExactly("two");
    assertThat(compare(source, source.replace(", 5)", ", 9)")).replacedFunctions())
        .containsExactly("one");
    assertThat(compare(source, source.replace(", 6)", ", 10)")).replacedFunctions())
        .containsExactly("empty");
  }

  @Test
  void anotherKeyOfAJumpLabelChangesTheFunction() {
    String source =
        """
        extern struct static_key one, two;
        int branch(int x) { if (static_branch(&one)) return rare(); return x; }
        """;

    assertThat(compare(source, source.replace("&one", "&two")).replacedFunctions())
        .containsExactly("branch");
  }

  @Test
  void aFunctionAndItsColdPartAreTakenTogether() {
    String source =
        """
        int error(const char *, int) __attribute__((cold));
        int work(int);
        int target(int x) { if (unlikely(x > 9)) { error("one", x); return -22; } return work(x) + 1; }
        int other(int x) { if (unlikely(x > 8)) { error("two", x); return -5; } return work(x) + 2; }
        """;

    Extraction extraction = compare(source, source.replace("-22", "-33"));

    assertThat(extraction.replaced()).hasSize(1);
    Extraction.Replaced replaced = extraction.replaced().get(0);
    assertThat(replaced.name()).isEqualTo("target");
    assertThat(replaced.oldParts()).containsExactly("target.cold");
    assertThat(replaced.newParts()).hasSize(1);
  }

  @Test
  void numbersOfClonesDoNotMatter() {
    String clones =
        """
        struct pair { long a, b; };
        static noinline long shared(struct pair *p, int unused) { return p->a * printk("s"); }
        long user(struct pair *p) { return shared(p, 1) + shared(p, 2); }
        """;

    Extraction extraction = compare(clones, clones.replace("* printk", "- printk"));

    assertThat(extraction.replacedFunctions())
        .hasSize(1)
        .allSatisfy(name -> assertThat(name).startsWith("shared"));
  }

  @Test
  void aFunctionInASharedSectionIsToldFromItsNeighbours() {
    String source =
        """
        #define __sched __section(".sched.text")
        static noinline __sched int callee(int x) { return x + printk("callee"); }
        __sched int first(int x) { return callee(x) * 3; }
        __sched int second(int x) { return callee(x) * 5; }
        """;

    Extraction extraction = compare(source, source.replace("* 3", "* 300 + x"));

    assertThat(extraction.replacedFunctions()).containsExactly("first");
  }

  @Test
  void switchTablesAndNamesOfFunctionsAreComparedByContent() {
    String source =
        """
        int table(int x) { switch (x) { case 0: return 5; case 1: return 9; case 2: return 33;
          case 3: return 2; case 4: return 71; default: return 1; } }
        int named(int x) { printk("%s", __func__); return x; }
        """;
    String more =
        "int early(int x) { printk(\"%s\", __func__); switch (x) { case 0: return 1; case 1: return 4;"
            + " case 2: return 99; case 3: return 12; case 4: return 5; default: return 0; } }\n";

    Extraction shifted = compare(source, more + source);
    Extraction changed = compare(source, source.replace("return 33", "return 34"));

    assertThat(shifted.replacedFunctions()).isEmpty();
    assertThat(shifted.newFunctions()).containsExactly("early");
    assertThat(changed.replacedFunctions()).containsExactly("table");
  }
}
