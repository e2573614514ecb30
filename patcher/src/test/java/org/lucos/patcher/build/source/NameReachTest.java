package org.lucos.patcher.build.source;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class NameReachTest {
  private final Map<String, String> files =
      new TreeMap<>(
          Map.of(
              "low.h", "#include \"target.h\"\nstatic inline int low(void) { return target(); }\n",
              "macro.h", "#define WRAP(x) \\\n\t(low() + (x))\n",
              "table.h", "static int numbers[] = { TARGET_SIZE };\n",
              "plain.h", "int plain(void);\n#define twice_of(name) name##_one(); name##_two()\n",
              "join.h", "#define JOIN(a, b) a##b\n#define JOINED(a, b) JOIN(a, b)\n",
              "a.c", "#include \"macro.h\"\nint a(void) { return WRAP(1); }\n",
              "b.c", "#include \"target.h\"\nint b(void) { return plain(); }\n",
              "c.c", "int c(void) { return twice_of(get); }\n",
              "d.c", "int d(void) { return JOINED(get, _two)(); }\n"));

  private NameReach.Reached of(String... names) {
    Set<String> headers = Set.of("low.h", "macro.h", "table.h", "plain.h", "join.h");
    return new NameReach(headers, Set.of("a.c", "b.c", "c.c", "d.c"), files::get)
        .of(List.of(names));
  }

  @Test
  void headersCarryAName() {
    NameReach.Reached reached = of("target");

    assertThat(reached.names()).containsExactlyInAnyOrder("target", "low", "WRAP");
    assertThat(reached.roots()).containsExactly("a.c");
    assertThat(reached.spreading()).isEmpty();
  }

  @Test
  void aNameInAnIncludeIsNone() {
    assertThat(of("h").roots()).isEmpty();
  }

  @Test
  void aNameOutsideOfFunctionsReachesAllWhoInclude() {
    assertThat(of("TARGET_SIZE").spreading()).containsExactly("table.h");
  }

  @Test
  void aNamePutTogetherIsMentionedByWhoDoesIt() {
    assertThat(of("get_one").roots()).containsExactly("c.c");
    assertThat(of("set_one").roots()).isEmpty();
    assertThat(of("get_two").roots()).containsExactlyInAnyOrder("c.c", "d.c");
  }

  @Test
  void aNameMayBePutTogetherOfOneWordTwice() {
    assertThat(of("getget").roots()).containsExactly("d.c");
  }
}
