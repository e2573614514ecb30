package org.lucos.patcher.build.diff;

import static org.assertj.core.api.Assertions.assertThat;
import static org.lucos.patcher.build.diff.KernelC.compare;

import java.util.List;
import java.util.regex.Matcher;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.lucos.patcher.elf.ElfSymbol;

/** What the compiler and the kernel's macros make of a source, and number as they go. */
class CompilerProductsTest {
  private static List<String> names(String source, String pattern) {
    return KernelC.sections(source).symbols().stream()
        .map(ElfSymbol::name)
        .filter(name -> name.matches(pattern))
        .toList();
  }

  private static final String PARTS =
      """
      struct s { int a, b, c; };
      static int part(struct s *s, int n) { if (!s) return 0; for (int i = 0; i < n; i++) { s->a += rare(); s->b ^= rare(); printk("p %d", s->a); use(s); use(s); use(s); } return s->c; }
      int first(struct s *s) { return part(s, rare()); }
      int second(struct s *s) { return part(s, rare() + 1) + 1; }
      static noinline int scaled(struct s *s) { return s->b * rare(); }
      int third(struct s *s) { return scaled(s); }
      int fourth(struct s *s) { return scaled(s) + 3; }
      static noinline int moded(int x, int mode) { if (mode == 3) return x * rare(); printk("m"); return x; }
      int fifth(int x) { return moded(x, 3); }
      int sixth(int x) { return moded(x + 1, 3); }
      int lonely(int x) { return x; }
      """;

  @Test
  void theCompilerMakesThemAsExpected() {
    assertThat(names(PARTS, ".*\\.(part|isra|constprop).*"))
        .anyMatch(name -> name.startsWith("part.part."))
        .anyMatch(name -> name.startsWith("scaled.isra."))
        .anyMatch(name -> name.startsWith("moded.constprop."));
  }

  @Test
  void aPartThatTakesOtherParametersTakesItsCallersAlong() {
    String changed =
        PARTS
            .replace(
                "static int part(struct s *s, int n)", "static int part(struct s *s, int k, int n)")
            .replace("s->c; }\nint first", "s->c + k; }\nint first")
            .replace("part(s, rare()", "part(s, 7, rare()");

    Extraction extraction = compare(PARTS, changed);

    assertThat(extraction.replacedFunctions()).contains("first", "second");
    assertThat(extraction.replacedFunctions()).doesNotContain("third", "fifth", "lonely");
  }

  @Test
  void aCloneThatTakesOtherParametersTakesItsCallersAlong() {
    String changed = PARTS.replace("return s->b * rare();", "return (s->b + s->a) * rare();");

    Extraction extraction = compare(PARTS, changed);

    // what was passed was s->b; now it is another thing, under the same name or another
    assertThat(extraction.replacedFunctions()).contains("third", "fourth");
    assertThat(extraction.replacedFunctions()).doesNotContain("first", "fifth", "lonely");
  }

  @Test
  void aConstantThatIsPropagatedNoLongerTakesItsCallersAlong() {
    String changed = PARTS.replace("return moded(x + 1, 3);", "return moded(x + 1, x);");

    Extraction extraction = compare(PARTS, changed);

    assertThat(extraction.replacedFunctions()).contains("sixth");
    assertThat(extraction.replacedFunctions()).doesNotContain("first", "third", "lonely");
  }

  @ParameterizedTest(name = "{0}")
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "parts | part\\.part\\..* | static int early(struct s *s, int n) { if (!s) return 1; for (int i = 0; i < n; i++) { s->a ^= rare(); s->b += rare(); printk(\"q %d\", s->b); use(s); use(s); use(s); } return s->a; } int e1(struct s *s) { return early(s, rare()); } int e2(struct s *s) { return early(s, rare() + 1) + 1; }",
        "clones | .*\\.isra\\..* | static noinline int early(struct s *s) { return s->a * rare(); } int e1(struct s *s) { return early(s); } int e2(struct s *s) { return early(s) + 2; }",
      })
  void clonesWithOtherNumbersAreTheSame(String what, String pattern, String early) {
    String moved = PARTS.replaceFirst("\n", "\n" + Matcher.quoteReplacement(early) + "\n");

    Extraction extraction = compare(PARTS, moved);

    assertThat(names(PARTS, pattern)).isNotEmpty();
    assertThat(extraction.replacedFunctions()).isEmpty();
    assertThat(extraction.newFunctions()).contains("e1", "e2");
  }

  @ParameterizedTest(name = "{0}")
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "name of the function | __func__\\.\\d+ | const char *f(void) { return __func__; }",
        "table of a switch | CSWTCH\\.\\d+ | int f(int x) { switch (x) { case 0: return 11; case 1: return 25; case 2: return 7; case 3: return 99; case 4: return 3; } return 0; }",
        "flag of a once-only message | __already_done\\.\\d+ | void f(int x) { static _Bool __section(\".data.once\") __already_done; if (x && !__already_done) { __already_done = 1; printk(\"f once\"); } }",
        "flag of a warning | __warned\\.\\d+ | void f(int x) { static _Bool __section(\".data.once\") __warned; if (x && !__warned) { __warned = 1; printk(\"f warned\"); } }",
        "flag of a message | __print_once\\.\\d+ | void f(int x) { static _Bool __print_once; if (!__print_once) { __print_once = 1; printk(\"f\"); } }",
        "rate limit | _rs\\.\\d+ | int rate(void *, const char *); void f(void) { static struct { int interval, burst; } _rs = { 5, 10 }; if (rate(&_rs, __func__)) printk(\"limited\"); }",
        "lock class | __key\\.\\d+ | void initialise(void *, const char *, void *); void f(void *m) { static struct { int x[4]; } __key; initialise(m, \"&f->lock\", &__key); }",
        "debug message | __UNIQUE_ID_ddebug\\d+(\\.\\d+)? | void dbg(void *); void f(void) { static struct { const char *name, *file; int flags; } __UNIQUE_ID_ddebug21 __section(\"__dyndbg\") = { __func__, \"test.c\" }; dbg(&__UNIQUE_ID_ddebug21); }",
        "debug descriptor | descriptor\\.\\d+ | void dbg(void *); void f(void) { static struct { const char *name, *file; int flags; } descriptor __section(\"__dyndbg\") = { __func__, \"test.c\" }; dbg(&descriptor); }",
        "literal of a struct | __compound_literal\\.\\d+ | struct s { int a, b; }; static struct s *f_list = &(struct s) { 1, 2 }; struct s *f(void) { return f_list++; }",
        "initial value of an array | C\\.\\d+\\.\\d+ | void f(void) { const struct { long v[9]; int w; } c = { { 7, 1, 2, 3, 4, 5, 6, 7, 8 }, 9 }; use((void *)&c); }",
        "string for a tracepoint | ___tp_str\\.\\d+ | void trace(const char **); void f(void) { static const char *___tp_str __section(\"__tracepoint_str\") = \"state\"; trace(&___tp_str); }",
      })
  void numbersMeanNothing(String what, String pattern, String function) {
    String source = function + "\nint g(int x) { return x; }\n";
    String types = function.contains("struct s {") ? "struct s { int a, b; };\n" : "";
    String body = function.replace(types.strip(), "");
    String early = body.replaceAll("\\bf(?=[(_])", "e");
    // a number of a macro's own counter goes to whoever comes first
    String moved = types + early + body.replace("ddebug21", "ddebug22") + "\n";

    Extraction same = compare(source, source);
    Extraction shifted = compare(source, moved + "int g(int x) { return x; }\n");
    Extraction changed = compare(source, source.replace("return x; }\n", "return x + 1; }\n"));

    assertThat(same.isEmpty()).isTrue();
    assertThat(shifted.replacedFunctions()).isEmpty();
    assertThat(shifted.newFunctions()).containsExactly("e");
    assertThat(changed.replacedFunctions()).containsExactly("g");
  }

  @Test
  void countersInNamesOfWhatIsReadAtBootMeanNothing() {
    String source =
        """
        asm(".pushsection .BTF_ids,\\"a\\"\\n__BTF_ID__struct__one__1: ids: .zero 4\\n"
            "__BTF_ID__struct__two__2: .zero 4\\n.popsection");
        extern int ids[];
        int *table[] = { ids };
        int f(int x) { return ids[1] + x; }
        int g(int x) { return x; }
        """;
    String shifted = source.replace("one__1", "one__31").replace("two__2", "two__32");

    assertThat(compare(source, shifted).isEmpty()).isTrue();
    assertThat(compare(source, shifted.replace("return x;", "return x + 1;")).replacedFunctions())
        .containsExactly("g");
  }
}
