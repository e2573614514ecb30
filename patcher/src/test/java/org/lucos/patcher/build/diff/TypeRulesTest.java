package org.lucos.patcher.build.diff;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.lucos.patcher.bytes.Bytes;
import org.lucos.patcher.bytes.MalformedDataException;
import org.lucos.patcher.elf.ElfObject;
import org.lucos.patcher.refusal.ChangeRefusal;
import org.lucos.patcher.refusal.ExitCode;
import org.lucos.patcher.refusal.RefusedException;

class TypeRulesTest {
  private static final String USER = " int f(struct s *s) { return s->a; }\n";

  private static void check(String before, String after) {
    new TypeRules("dir/test.o", KernelC.sections(before), KernelC.sections(after)).check();
  }

  @ParameterizedTest(name = "{0}")
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "member in the middle | struct s { int a; long c; }; | struct s { int a; long b; long c; }; | struct s | member 'b' is new",
        "member at the end | struct s { int a; }; | struct s { int a; int b; }; | struct s | member 'b' is new",
        "member in a hole | struct s { int a; long c; }; | struct s { int a; int b; long c; }; | struct s | member 'b' is new",
        "member gone | struct s { int a; int b; }; | struct s { int a; }; | struct s | member 'b' is gone",
        "reordered | struct s { int a; int b; }; | struct s { int b; int a; }; | struct s | change places",
        "widened | struct s { int a; }; | struct s { long a; }; | struct s | member 'a' changes from int to long int",
        "other sign | struct s { int a; }; | struct s { unsigned a; }; | struct s | member 'a' changes from int to unsigned int",
        "other pointer | struct s { int a; int *p; }; | struct s { int a; char *p; }; | struct s | member 'p' changes from int * to char *",
        "bit-field width | struct s { int a; unsigned f:3; }; | struct s { int a; unsigned f:4; }; | struct s | bit-field 'f' changes from 3 bits to 4",
        "bit-field new | struct s { int a; unsigned f:3; }; | struct s { int a; unsigned f:3, g:1; }; | struct s | member 'g' is new",
        "bit-field moved | struct s { int a; unsigned f:3, :0, g:2; }; | struct s { int a; unsigned f:3, g:2; }; | struct s | member 'g' moves from byte 8 to bit 35",
        "anonymous union | struct s { int a; union { int x; char y; }; }; | struct s { int a; union { int x; long y; }; }; | struct s | member 'y' changes from char to long int",
        "anonymous struct in a union | struct s { union { struct { int a, b; }; long c; }; }; | struct s { union { struct { int b, a; }; long c; }; }; | struct s | change places",
        "array bound | struct s { int a; char name[8]; }; | struct s { int a; char name[16]; }; | struct s | member 'name' changes from char[8] to char[16]",
        "alignment | struct s { int a; int b; }; | struct s { int a; int b __attribute__((aligned(8))); }; | struct s | member 'b' moves from byte 4 to byte 8",
        "packed | struct s { int a; long b; }; | struct s { int a; long b; } __attribute__((packed)); | struct s | moves from byte 8 to byte 4",
        "size only | struct s { int a; }; | struct s { int a; } __attribute__((aligned(64))); | struct s | size changes from 4 to 64",
        "inner struct | struct i { int x; }; struct s { int a; struct i i; }; | struct i { int x, y; }; struct s { int a; struct i i; }; | struct i | member 'y' is new",
        "behind a pointer | struct i { int x; }; struct s { int a; struct i *i; }; int g(struct s *s) { return s->i->x; } | struct i { int w, x; }; struct s { int a; struct i *i; }; int g(struct s *s) { return s->i->x; } | struct i | member 'w' is new",
        "callback | struct s { int a; int (*call)(int); }; | struct s { int a; int (*call)(int, long); }; | struct s | member 'call' changes from int (int) * to int (int, long int) *",
        "struct to union | struct s { int a; union { int x; long y; } u; }; | struct s { int a; struct { int x; long y; } u; }; | struct s | member 'u' changes",
        "typedef | typedef int number; struct s { int a; }; number n; | typedef long number; struct s { int a; }; number n; | typedef number | from int to long int",
        "typedef of a nameless struct | typedef struct { int x; } box; struct s { int a; box b; }; | typedef struct { long x; } box; struct s { int a; box b; }; | typedef box | member 'x' changes",
        "enumerator inserted | enum e { A, B }; struct s { int a; enum e e; }; | enum e { A, N, B }; struct s { int a; enum e e; }; | enum e | enumerator B changes from 1 to 2",
        "enumerator gone | enum e { A, B }; struct s { int a; enum e e; }; | enum e { A }; struct s { int a; enum e e; }; | enum e | enumerator B is gone",
        "enum gets larger | enum e { A, B }; struct s { int a; enum e e; }; | enum e { A, B, C = 1L << 40 }; struct s { int a; enum e e; }; | enum e | size changes from 4 to 8",
        "nameless enum | enum { A, B }; struct s { int a; }; int g(void) { return B; } | enum { A, N, B }; struct s { int a; }; int g(void) { return B; } | enumerator B | from 1 to 2",
        "variable | struct s { int a; }; static int v; int g(void) { return v++; } | struct s { int a; }; static unsigned v; int g(void) { return v++; } | variable 'v' | from int to unsigned int",
        "variable of a nameless struct | struct s { int a; }; struct { int x, y; } v; | struct s { int a; }; struct { int y, x; } v; | variable 'v' | change places",
        "exported function | struct s { int a; }; int g(int x) { return x; } EXPORT_SYMBOL(g); | struct s { int a; }; int g(int x, int y) { return y; } EXPORT_SYMBOL(g); | function 'g' | from int (int) to int (int, int)"
      })
  void isRefused(String what, String before, String after, String subject, String detail) {
    assertThatThrownBy(() -> check(before + USER, after + USER))
        .isInstanceOfSatisfying(
            RefusedException.class,
            refused -> {
              assertThat(refused.refusal().code()).isEqualTo("type-changed");
              assertThat(refused.refusal().exitCode()).isEqualTo(ExitCode.UNSUPPORTED_CHANGE);
              assertThat(((ChangeRefusal.TypeChanged) refused.refusal()).type()).isEqualTo(subject);
              assertThat(refused).hasMessageContaining(detail).hasMessageContaining("dir/test.o");
            });
  }

  @ParameterizedTest(name = "{0}")
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "nothing | struct s { int a; union { int x; long y; }; unsigned f:3; }; | struct s { int a; union { int x; long y; }; unsigned f:3; };",
        "new struct | struct s { int a; }; | struct n { int x; } n; struct s { int a; }; int g(struct n *n) { return n->x; }",
        "struct gone | struct n { int x; } n; struct s { int a; }; | struct s { int a; };",
        "new typedef and enum | struct s { int a; }; | typedef int number; enum e { A, B } e; struct s { int a; }; number n;",
        "enumerator at the end | enum e { A, B }; struct s { int a; enum e e; }; | enum e { A, B, C }; struct s { int a; enum e e; };",
        "qualifiers | struct s { int a; char *p; }; | struct s { int a; const char *p; };",
        "another name for the type | typedef int number; struct s { int a; int b; }; | typedef int number; struct s { int a; number b; };",
        "declared, then defined | struct n; struct s { int a; struct n *n; }; | struct n { int x; }; struct s { int a; struct n *n; }; int g(struct s *s) { return s->n->x; }",
        "parameters of a function of this file | struct s { int a; }; static noinline int h(int x) { return rare() + x; } int g(void) { return h(1); } | struct s { int a; }; static noinline int h(int x, int y) { return rare() + x + y; } int g(int y) { return h(1, y); }",
        "new parameter's name of an exported function | struct s { int a; }; int g(int x) { return x; } EXPORT_SYMBOL(g); | struct s { int a; }; int g(int y) { return y; } EXPORT_SYMBOL(g);",
        "lists and trees | struct s { int a; struct s *next, **prev; struct s *(*find)(struct s *); }; | struct s { int a; struct s *next, **prev; struct s *(*find)(struct s *); }; int g;"
      })
  void isAllowed(String what, String before, String after) {
    assertThatCode(() -> check(before + USER, after + USER)).doesNotThrowAnyException();
  }

  @Test
  void aChangedTypeIsRefusedThoughNoCodeDiffers() {
    String source = "struct s { int a; }; " + USER;

    assertThatThrownBy(() -> KernelC.compare(source, source.replace("a; }", "a; int b; }")))
        .isInstanceOf(RefusedException.class)
        .hasMessage("struct s changes in dir/test.o: member 'b' is new");
  }

  @Test
  void whatIsDeclaredAnewIsNamedRatherThanWhatMovesWithIt() {
    String source =
        "struct i { int x; }; struct a { struct i i; int z; }; struct s { int a; struct a b; };"
            + USER;

    assertThatThrownBy(() -> check(source, source.replace("int x;", "int x, y;")))
        .isInstanceOf(RefusedException.class)
        .hasMessage("struct i changes in dir/test.o (and 2 more): member 'y' is new");
  }

  @Test
  void anObjectWithoutTypesIsNoObjectToCompare() {
    ElfObject typed = KernelC.sections("int a;\n");
    ElfObject plain = ElfObject.parse("plain", KernelC.plainObject("int a;\n"));

    assertThatThrownBy(() -> new TypeRules("a.o", typed, plain))
        .isInstanceOf(MalformedDataException.class)
        .hasMessageContaining("no type information");
  }

  @Test
  void anyMutationEndsInAnAnswerOrATypedError() {
    String source = "struct s { int a; struct { long b; } c; int (*call)(struct s *); };" + USER;
    Bytes file = KernelC.sectionsObject(source);
    ElfObject original = ElfObject.parse("original", file);
    Bytes types = original.section(TypeRules.SECTION).orElseThrow().bytes();
    int at = text(file).indexOf(text(types));
    Random random = new Random(3);
    int answers = 0;
    for (int round = 0; round < 2000; round++) {
      byte[] bytes = file.toArray();
      for (int i = 0; i < 1 + random.nextInt(3); i++) {
        bytes[at + random.nextInt(types.size())] = (byte) random.nextInt(256);
      }
      try {
        new TypeRules("a.o", original, ElfObject.parse("mutated", Bytes.of(bytes))).check();
        answers++;
      } catch (MalformedDataException e) {
        assertThat(e.source()).isNotEmpty();
      } catch (RefusedException e) {
        answers++;
      }
    }
    assertThat(answers).isPositive();
  }

  private static String text(Bytes bytes) {
    return new String(bytes.toArray(), StandardCharsets.ISO_8859_1);
  }
}
