package org.lucos.patcher.build;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class LineMarkersTest {
  private final DiffTool diff = new DiffTool(new ProcessCommands());

  private String marked(String before, String after) {
    return LineMarkers.insert(after, diff.runs(before, after));
  }

  @Test
  void addsNothingWhereLinesKeepTheirNumbers() {
    assertThat(marked("a\nb\nc\n", "a\nB\nc\n")).isEqualTo("a\nB\nc\n");
  }

  @Test
  void goesBackToTheOriginalNumberAfterAnInsertion() {
    assertThat(marked("a\nb\n", "a\nnew\nb\n")).isEqualTo("a\nnew\n#line 2\nb\n");
  }

  @Test
  void goesBackToTheOriginalNumberAfterADeletion() {
    assertThat(marked("a\nb\nc\nd\n", "a\nd\n")).isEqualTo("a\n#line 4\nd\n");
  }

  @Test
  void neverStandsInsideAContinuedLine() {
    String before = "#define X \\\n one \\\n two\nend\n";
    String after = "#define X \\\n zero \\\n one \\\n two\nend\n";
    assertThat(marked(before, after))
        .isEqualTo("#define X \\\n zero \\\n one \\\n two\n#line 4\nend\n");
  }

  /** Every line that both texts share keeps its number, whatever changed around it. */
  @Test
  void everyUnchangedLineKeepsItsNumber() {
    Random random = new Random(7);
    for (int round = 0; round < 60; round++) {
      List<String> before = new ArrayList<>();
      for (int i = 1; i <= 40; i++) {
        before.add("line" + i);
      }
      List<String> after = new ArrayList<>(before);
      for (int i = 0; i < 1 + random.nextInt(5); i++) {
        int at = random.nextInt(after.size());
        if (random.nextBoolean()) {
          after.add(at, "new" + round + "-" + i);
        } else {
          after.remove(at);
        }
      }
      String text = marked(String.join("\n", before) + "\n", String.join("\n", after) + "\n");
      int number = 0;
      for (String line : text.split("\n", -1)) {
        if (line.startsWith("#line ")) {
          number = Integer.parseInt(line.substring(6)) - 1;
          continue;
        }
        number++;
        if (line.startsWith("line")) {
          assertThat(line).isEqualTo("line" + number);
        }
      }
    }
  }
}
