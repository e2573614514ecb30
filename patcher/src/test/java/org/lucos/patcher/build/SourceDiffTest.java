package org.lucos.patcher.build;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.lucos.patcher.build.SourceDiff.Action;
import org.lucos.patcher.build.SourceDiff.FileChange;
import org.lucos.patcher.refusal.InputRefusal;
import org.lucos.patcher.refusal.RefusedException;

class SourceDiffTest {
  private static final String MAIL =
      """
      From: Somebody
      Subject: [PATCH] fix it

      --- a remark that is no file name
      ---
       kernel/a.c | 3 ++-
      diff --git a/kernel/a.c b/kernel/a.c
      index 123..456 100644
      --- a/kernel/a.c
      +++ b/kernel/a.c
      @@ -1,3 +1,4 @@ int f(void)
       one
      --- two
      +two
      ++++ three

      @@ -10 +11,0 @@
      -gone
      diff --git a/new.c b/new.c
      new file mode 100644
      --- /dev/null
      +++ b/fs/new.c
      @@ -0,0 +1 @@
      +x
      \\ No newline at end of file
      --
      2.39.5
      """;

  @Test
  void takesFilesAndHunksOutOfAMail() {
    List<FileChange> files = SourceDiff.parse("mail", MAIL).files();
    assertThat(files).extracting(FileChange::path).containsExactly("kernel/a.c", "fs/new.c");
    assertThat(files).extracting(FileChange::action).containsExactly(Action.CHANGE, Action.CREATE);
    assertThat(files.get(0).hunks().lines())
        .hasSize(8)
        .contains("--- two", "++++ three", " ", "-gone");
    assertThat(files.get(1).hunks()).endsWith("\\ No newline at end of file\n");
  }

  @ParameterizedTest
  @CsvSource({
    "a/fs/x.c, fs/x.c",
    "b/fs/x.c, fs/x.c",
    "fs/x.c, fs/x.c",
    "linux-6.1/fs/x.c, fs/x.c",
    "a/Makefile, Makefile",
    "Makefile, Makefile"
  })
  void findsThePathInTheSource(String name, String path) {
    String diff = "--- " + name + "\t2026-01-01\n+++ " + name + "\n@@ -1 +1 @@\n-a\n+b\n";
    assertThat(SourceDiff.parse("x", diff).files().get(0).path()).isEqualTo(path);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "no diff at all\n",
        "--- a/x.c\n+++ b/x.c\n",
        "--- a/x.c\n+++ b/x.c\n@@ -1 +1 @@\n-a\n",
        "--- a/x.c\n+++ b/x.c\n@@ -1 +1 @@\n-a\n*b\n",
        "--- a/x.c\n+++ b/x.c\n@@ -1 +1 @@\n-a\n-b\n+c\n",
        "--- a/x.c\n+++ b/x.c\n@@ nonsense @@\n-a\n",
        "@@ -1 +1 @@\n-a\n+b\n",
        "--- a/../../etc/passwd\n+++ b/../../etc/passwd\n@@ -1 +1 @@\n-a\n+b\n",
        "--- /etc/passwd\n+++ /etc/passwd\n@@ -1 +1 @@\n-a\n+b\n",
        "diff --git a/x b/x\nBinary files a/x and b/x differ\n",
      })
  void refusesWhatIsNoDiff(String text) {
    assertThatThrownBy(() -> SourceDiff.parse("x.patch", text))
        .isInstanceOfSatisfying(
            RefusedException.class,
            e -> assertThat(e.refusal()).isInstanceOf(InputRefusal.PatchDoesNotApply.class));
  }

  @Test
  void aHunkThatFuzzWouldLeaveWithoutContextHasNoPlace() {
    String head = "--- a/x.c\n+++ b/x.c\n@@ -1,";
    FileChange little =
        SourceDiff.parse("x", head + "3 +1,4 @@\n a\n b\n+new\n c\n").files().get(0);
    assertThat(little.findsItsPlaceWithFuzz(1)).isFalse();
    FileChange enough =
        SourceDiff.parse("x", head + "7 +1,7 @@\n a\n b\n c\n-old\n+new\n d\n e\n f\n")
            .files()
            .get(0);
    assertThat(enough.findsItsPlaceWithFuzz(1)).isTrue();
    assertThat(enough.findsItsPlaceWithFuzz(2)).isTrue();
  }

  @Test
  void anyMutationGivesADiffOrARefusal() {
    Random random = new Random(20261120);
    for (int round = 0; round < 5000; round++) {
      StringBuilder text = new StringBuilder(MAIL);
      for (int i = 0; i < 1 + random.nextInt(6); i++) {
        int at = random.nextInt(text.length());
        if (random.nextBoolean()) {
          text.setCharAt(at, "+- @\n\\0189,".charAt(random.nextInt(11)));
        } else {
          text.delete(at, Math.min(text.length(), at + random.nextInt(40)));
        }
      }
      try {
        assertThat(SourceDiff.parse("fuzz", text.toString()).files()).isNotEmpty();
      } catch (RefusedException e) {
        assertThat(e.refusal()).isInstanceOf(InputRefusal.PatchDoesNotApply.class);
      }
    }
  }
}
