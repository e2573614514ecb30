package org.lucos.patcher.build.source;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class UnitChangeTest {
  private static final String UNIT =
      """
      typedef unsigned int u32;
      struct pair { int a; u32 b; };
      enum kind { ONE, TWO };
      extern struct pair pairs[4];
      static inline __attribute__((__gnu_inline__)) int low(int x) { return x; }
      static inline int middle(int x) { return low(x) + 1; }
      static inline int lonely(int x) { return x * 2; }
      static inline int loud(int x);
      static inline int loud(int x) { return x * 3; }
      static int (*const hook)(int) = loud;
      int high(int x) { struct pair p = { .a = x }; return middle(p.a); }
      """;

  private static UnitChange change(String from, String to) {
    assertThat(UNIT).contains(from);
    return UnitChange.between(UNIT, UNIT.replace(from, to));
  }

  @Test
  void blanksAndOrderAreNothing() {
    assertThat(change("{ return x; }", "{\n  return x;\n}")).isInstanceOf(UnitChange.None.class);
    assertThat(change("enum kind { ONE, TWO };\n", "")).isInstanceOf(UnitChange.Unused.class);
  }

  @Test
  void anInlineFunctionMattersByWayOfThoseThatCodeUses() {
    assertThat(change("return x;", "return -x;")).isInstanceOf(UnitChange.Code.class);
    assertThat(change("low(x) + 1", "low(x) + 2")).isInstanceOf(UnitChange.Code.class);
    assertThat(change("x * 2", "x * 4")).isInstanceOf(UnitChange.Unused.class);
  }

  @Test
  void anAddressInAVariableIsAUse() {
    assertThat(change("x * 3", "x * 4")).isInstanceOf(UnitChange.Code.class);
  }

  @Test
  void whatIsKeptThoughUnusedMayMatter() {
    assertThat(
            UnitChange.between(
                "static __attribute__((__used__)) int f(void) { return 1; }",
                "static __attribute__((__used__)) int f(void) { return 2; }"))
        .isInstanceOf(UnitChange.Code.class);
  }

  @Test
  void aVariableIsCode() {
    assertThat(change("= loud", "= lonely")).isInstanceOf(UnitChange.Code.class);
  }

  @Test
  void aTypeIsNamed() {
    assertThat(change("int a; u32 b;", "u32 b; int a;"))
        .isEqualTo(new UnitChange.Type("struct pair"));
    assertThat(change("unsigned int u32", "unsigned long u32"))
        .isEqualTo(new UnitChange.Type("typedef u32"));
    assertThat(change("ONE, TWO", "ZERO, ONE, TWO")).isEqualTo(new UnitChange.Type("enum kind"));
  }

  @Test
  void newTypesAndMembersAtTheEndOfAnEnumerationAreNames() {
    assertThat(change("struct pair {", "struct other { int z; }; struct pair {"))
        .isInstanceOf(UnitChange.Unused.class);
    assertThat(change("TWO }", "TWO, THREE }")).isInstanceOf(UnitChange.Unused.class);
  }

  @Test
  void whatIsTheSameIsNotReadAgain() {
    Declarations read = Declarations.read(UNIT);
    List<Declaration> edited = read.edited(UNIT.replace("low(x) + 1", "low(x) + 2"));
    assertThat(edited).hasSameSizeAs(read.all());
    for (int i = 0; i < edited.size(); i++) {
      if (edited.get(i).names().contains("middle")) {
        assertThat(edited.get(i)).isNotEqualTo(read.all().get(i));
      } else {
        assertThat(edited.get(i)).isSameAs(read.all().get(i));
      }
    }
  }

  @Test
  void anyTextIsReadToItsEnd() {
    Random random = new Random(3);
    for (int round = 0; round < 2_000; round++) {
      StringBuilder text = new StringBuilder(UNIT);
      for (int i = 0; i < 6; i++) {
        text.setCharAt(
            random.nextInt(text.length()), "{}()[];#\"'\\/* \n=x".charAt(random.nextInt(17)));
      }
      int at = random.nextInt(text.length());
      String piece = UNIT.substring(0, random.nextInt(UNIT.length()));
      text.replace(
          at, Math.min(text.length(), at + random.nextInt(9)), round % 3 == 0 ? piece : "");
      assertThat(Declarations.read(UNIT).edited(text.toString()))
          .as("%s", text)
          .isEqualTo(Declarations.of(text.toString()));
      assertThat(UnitChange.between(UNIT, text.toString())).isNotNull();
    }
  }
}
