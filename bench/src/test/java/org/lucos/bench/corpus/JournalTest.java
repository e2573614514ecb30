package org.lucos.bench.corpus;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class JournalTest {
  /** Something to keep. */
  public record Entry(String name, int value) {}

  @TempDir private Path folder;

  @Test
  void whatIsAddedIsThereForTheNextOne() {
    open().add(new Entry("a", 1));
    open().add(new Entry("b", 2));
    open().add(new Entry("a", 3));

    assertThat(open().entries())
        .containsOnly(
            java.util.Map.entry("a", new Entry("a", 3)),
            java.util.Map.entry("b", new Entry("b", 2)));
  }

  @Test
  void aLineCutShortIsDoneAgainAndSpoilsNoOther() throws IOException {
    open().add(new Entry("a", 1));
    Files.writeString(
        folder.resolve("journal"), "{\"name\":\"b\",\"val", StandardOpenOption.APPEND);
    assertThat(open().entries()).containsOnlyKeys("a");

    open().add(new Entry("c", 3));

    assertThat(open().entries()).containsOnlyKeys("a", "c");
  }

  private Journal<Entry> open() {
    return new Journal<>(folder.resolve("journal"), Entry.class, Entry::name);
  }
}
