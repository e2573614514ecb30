package org.lucos.bench.corpus;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.lucos.bench.corpus.ChangedFile.Change;
import org.lucos.patcher.build.DiffTool;
import org.lucos.patcher.build.PackageVersion;
import org.lucos.patcher.build.ProcessCommands;

class CompanionsTest {
  @TempDir private Path folder;

  @Test
  void theHeaderWithTheMissingWordIsNamed() throws IOException {
    file("include/linux/jiffies.h", "int a;\n", "int a;\n#define secs_to_jiffies(s) ((s) * HZ)\n");
    file("include/linux/other.h", "int secs_to_jiffies_old;\n", "int fresh_other;\n");
    file("net/ipv4/own.h", "struct s { int a; };\n", "struct s { int a; int fresh; };\n");
    Companions companions = companions();

    assertThat(
            companions.of(
                "drivers/base/dd.c",
                "",
                "dd.c:331:30: error: implicit declaration of function 'secs_to_jiffies'; did you"
                    + " mean 'nsecs_to_jiffies'?"))
        .extracting(c -> c.header().path())
        .containsExactly("include/linux/jiffies.h");
    assertThat(
            companions.of(
                "net/ipv4/a.c", "", "a.c:1:1: error: 'struct s' has no member named 'fresh'"))
        .extracting(c -> c.header().path() + " " + c.word())
        .containsExactly("net/ipv4/own.h fresh");
    assertThat(
            companions.of("fs/a.c", "", "a.c:1:1: error: 'struct s' has no member named 'fresh'"))
        .as("a header of another part of the kernel")
        .isEmpty();
    assertThat(companions.of("fs/a.c", "", "a.c:1:1: error: 'a' undeclared")).isEmpty();
  }

  @Test
  void wordsOfTheLanguageNameNoHeader() throws IOException {
    file("include/linux/jiffies.h", "int a;\n", "int a;\nint b = sizeof(int);\n");
    file("include/linux/other.h", "int a : 1;\n", "int a;\n");
    file("net/ipv4/own.h", "int a;\n", "int a;\n");
    assertThat(
            companions()
                .of(
                    "net/ipv4/a.c",
                    "#include <linux/other.h>\n",
                    "a.c:1:1: error: 'sizeof' applied to a bit-field"))
        .extracting(c -> c.header().path())
        .containsExactly("include/linux/other.h");
  }

  @Test
  void aFunctionFoundOtherThanExpectedAndThenTheFilesOwnIncludes() throws IOException {
    file("include/linux/jiffies.h", "int f(int a);\n", "int f(int a, int b);\n");
    file("include/linux/other.h", "int a;\n", "int b;\n");
    file("net/ipv4/own.h", "int a;\n", "long a;\n");
    Companions companions = companions();

    file("include/linux/jiffies.h", "int fun(int a);\n", "int fun(int a, int b);\n");
    assertThat(
            companions().of("fs/a.c", "", "a.c:1:1: error: too many arguments to function 'fun'"))
        .extracting(c -> c.header().path())
        .containsExactly("include/linux/jiffies.h");
    file(
        "include/linux/other.h",
        "struct a {\nlong host;\n};\nstruct b {\n};\n",
        "struct a {\n};\nstruct b {\nlong host;\n};\n");
    assertThat(
            companions().of("fs/a.c", "", "a.c:1:1: error: 'struct b' has no member named 'host'"))
        .as("a member that another structure had")
        .extracting(c -> c.header().path())
        .containsExactly("include/linux/other.h");
    assertThat(
            companions.of("net/ipv4/a.c", "#include \"own.h\"\n#include <linux/other.h>\n", "odd"))
        .extracting(c -> c.header().path())
        .containsExactly("net/ipv4/own.h", "include/linux/other.h");
    assertThat(companions.of("net/ipv4/sub/a.c", "#include \"own.h\"\n", "odd"))
        .as("from the root of its part of the kernel")
        .extracting(c -> c.header().path())
        .containsExactly("net/ipv4/own.h");
    assertThat(companions.of("net/other/a.c", "#include \"own.h\"\n", "odd")).isEmpty();
  }

  private void file(String path, String before, String after) throws IOException {
    for (String side : List.of("before", "after")) {
      Path file = folder.resolve(side).resolve(path);
      Files.createDirectories(file.resolveSibling("."));
      Files.writeString(file, side.equals("before") ? before : after);
    }
  }

  @Test
  void anAddedHeaderThatIsNotFoundIsNamed() throws IOException {
    file("fs/smb/common/glob.h", "", "struct glob {\n};\n");
    Companions companions =
        companions(List.of(new ChangedFile("fs/smb/common/glob.h", Change.ADDED)));

    assertThat(
            companions.of(
                "fs/smb/server/a.c",
                "",
                "fs/smb/server/b.h:3:10: fatal error: ../common/glob.h: No such file or directory"))
        .extracting(c -> c.header().path())
        .containsExactly("fs/smb/common/glob.h");
    assertThat(
            companions.of(
                "fs/smb/server/a.c", "", "a.c:3:10: fatal error: lob.h: No such file or directory"))
        .isEmpty();
  }

  private Companions companions() {
    return companions(
        List.of("include/linux/jiffies.h", "include/linux/other.h", "net/ipv4/own.h").stream()
            .map(path -> new ChangedFile(path, Change.CHANGED))
            .toList());
  }

  private Companions companions(List<ChangedFile> files) {
    PackageVersion any = new PackageVersion("linux-source-6.1", "6.1.1-1");
    return new Companions(
        new Corpus(any, any, "r", folder.resolve("before"), folder.resolve("after"), files),
        new DiffTool(new ProcessCommands()));
  }
}
