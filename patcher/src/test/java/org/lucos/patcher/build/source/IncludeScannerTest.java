package org.lucos.patcher.build.source;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class IncludeScannerTest {
  private final Map<String, String> files = new TreeMap<>();

  private IncludeGraph graph() {
    files.put("fs/a.c", "#include <linux/x.h>\n# include \"local.h\"\n");
    files.put("fs/b.c", "#include \"far.h\"\n#define MAGIC <linux/magic.h>\n");
    files.put("fs/local.h", "#ifdef NEVER\n#include \"../mm/m.h\"\n#endif\n");
    files.put("net/local.h", "");
    files.put("mm/m.h", "");
    files.put("drivers/far/far.h", "");
    files.put("include/linux/x.h", "#include <asm/y.h>");
    files.put("include/linux/magic.h", "");
    files.put("include/linux/first.h", "");
    files.put("arch/x86/include/asm/y.h", "#include <asm/y.h>\n#include <missing.h>\n");
    return new IncludeScanner(
            files.keySet(), java.util.List.of("arch/x86/include", "include"), files::get)
        .scan(
            Map.of(
                "fs/a.c", Set.of("include/linux/first.h", "generated/on-the-fly.h"),
                "fs/b.c", Set.of()));
  }

  @Test
  void filesAreFoundBesideInSearchedDirectoriesAndByTheirEnds() {
    IncludeGraph graph = graph();

    assertThat(graph.included(Set.of("fs/a.c")))
        .containsExactlyInAnyOrder(
            "fs/a.c",
            "include/linux/first.h",
            "include/linux/x.h",
            "fs/local.h",
            "arch/x86/include/asm/y.h",
            "mm/m.h");
    assertThat(graph.included(Set.of("fs/b.c")))
        .containsExactlyInAnyOrder("fs/b.c", "drivers/far/far.h", "include/linux/magic.h");
  }

  @Test
  void includersAreFoundThroughOthers() {
    assertThat(graph().includers(Set.of("mm/m.h")))
        .containsExactlyInAnyOrder("mm/m.h", "fs/local.h", "fs/a.c");
  }

  @Test
  void textKeepsTheGraph() {
    IncludeGraph graph = graph();

    assertThat(IncludeGraph.parse(graph.text())).isEqualTo(graph);
  }
}
