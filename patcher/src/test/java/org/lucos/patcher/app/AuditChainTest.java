package org.lucos.patcher.app;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AuditChainTest {
  @TempDir private Path state;

  @Test
  void everyAlteredByteIsFound() throws IOException {
    AuditTrail trail = written(4);
    tear(trail, "{\"seq\":5,\"prev");
    append(trail, 5);
    Random random = new Random(14);
    for (Path file : List.of(trail.log(), trail.head())) {
      byte[] bytes = Files.readAllBytes(file);
      for (int at = 0; at < bytes.length; at++) {
        byte[] altered = bytes.clone();
        altered[at] ^= (byte) (1 + random.nextInt(255));
        Files.write(file, altered);
        assertThat(trail.read().problems()).as("%s, byte %d", file, at).isNotEmpty();
      }
      Files.write(file, bytes);
    }
    assertThat(trail.read().problems()).isEmpty();
  }

  @Test
  void everyLengthTheLogIsCutToIsFound() throws IOException {
    AuditTrail trail = written(3);
    byte[] bytes = Files.readAllBytes(trail.log());
    for (int length = 0; length < bytes.length; length++) {
      Files.write(trail.log(), Arrays.copyOf(bytes, length));
      assertThat(trail.read().problems()).as("%d bytes", length).isNotEmpty();
    }
  }

  @Test
  void theFirstLineThatIsNotAsWrittenIsNamed() throws IOException {
    AuditTrail trail = written(6);
    List<String> lines = Files.readAllLines(trail.log());

    put(trail, lines, 2, lines.get(2).replace("apply", "APPLY"));
    assertThat(trail.read().problems()).first().asString().startsWith("line 3 is altered");

    Files.write(trail.log(), without(lines, 3, 5));
    assertThat(trail.read().problems())
        .singleElement()
        .asString()
        .startsWith("lines 4 to 5 are missing");

    Files.write(trail.log(), without(lines, 0, 1));
    assertThat(trail.read().problems()).first().asString().startsWith("line 1 is missing");

    Files.write(trail.log(), without(lines, 5, 6));
    assertThat(trail.read().problems())
        .singleElement()
        .isEqualTo("line 6 is missing: cut off at the end");

    put(trail, lines, 5, lines.get(5).replace("apply", "APPLY"));
    assertThat(trail.read().problems())
        .singleElement()
        .asString()
        .startsWith("line 6 or the head is altered");

    put(trail, lines, 1, "no line at all");
    assertThat(trail.read().problems()).first().asString().startsWith("line 2 is altered");

    Files.write(trail.log(), lines);
    Files.delete(trail.head());
    assertThat(trail.read().problems()).singleElement().asString().startsWith("there is no head");
  }

  @Test
  void aLineThatACrashCutOffStaysInSightAndDoesNotBlockTheNext() throws IOException {
    AuditTrail trail = written(2);
    tear(trail, "{\"seq\":3,\"previous\":\"12");

    AuditChain.Findings torn = trail.read();
    assertThat(torn.problems()).isEmpty();
    assertThat(torn.notes()).singleElement().asString().contains("behind line 2", "cut off");

    append(trail, 3);
    append(trail, 4);

    AuditChain.Findings later = trail.read();
    assertThat(later.problems()).isEmpty();
    assertThat(later.lines()).hasSize(4);
    assertThat(later.notes()).singleElement().asString().contains("in front of line 3");
    assertThat(Files.readString(trail.log())).contains("{\"seq\":3,\"previous\":\"12\n");
  }

  @Test
  void aCrashBetweenLineAndHeadIsNoProblem() throws IOException {
    AuditTrail trail = written(2);
    byte[] head = Files.readAllBytes(trail.head());
    append(trail, 3);
    Files.write(trail.head(), head);

    assertThat(trail.read().problems()).isEmpty();
    assertThat(trail.read().notes()).singleElement().asString().contains("a line behind");

    append(trail, 4);
    assertThat(trail.read().problems()).isEmpty();
    assertThat(trail.read().notes()).isEmpty();
  }

  @Test
  void aLineAddedToADamagedLogTellsOfItForEver() throws IOException {
    AuditTrail trail = written(3);
    List<String> lines = Files.readAllLines(trail.log());
    Files.write(trail.log(), without(lines, 2, 3));

    append(trail, 3);
    append(trail, 4);

    assertThat(trail.read().problems())
        .singleElement()
        .asString()
        .contains("line 3 found", "the head told of line 3", "the log ended in line 2");

    Files.delete(trail.head());
    append(trail, 5);
    assertThat(trail.read().problems()).hasSize(2).last().asString().contains("head was missing");
  }

  @Test
  void anyBytesGiveFindings() {
    Random random = new Random(7);
    String pieces = "{}[]\",:\n0a\\\0\u00ff";
    for (int round = 0; round < 20_000; round++) {
      StringBuilder text = new StringBuilder("{\"seq\":1,\"previous\":\"" + AuditChain.NOTHING);
      text.append("\"}\n");
      for (int edits = random.nextInt(6); edits >= 0; edits--) {
        int at = random.nextInt(text.length());
        text.replace(
            at,
            Math.min(text.length(), at + random.nextInt(3)),
            String.valueOf(pieces.charAt(random.nextInt(pieces.length()))));
      }
      byte[] bytes = text.toString().getBytes(StandardCharsets.ISO_8859_1);
      assertThat(
              AuditChain.walk(org.lucos.patcher.bytes.Bytes.of(bytes), java.util.Optional.empty()))
          .isNotNull();
    }
  }

  @Test
  void thoseWhoAddAtOnceMakeOneChain() throws Exception {
    AuditTrail trail = new AuditTrail(state);
    ExecutorService pool = Executors.newFixedThreadPool(4);
    try {
      List<Callable<Void>> work =
          IntStream.range(0, 40)
              .mapToObj(
                  number ->
                      (Callable<Void>)
                          () -> {
                            new AuditTrail(state).append(Map.of("operation", "apply"));
                            return null;
                          })
              .toList();
      for (Future<Void> each : pool.invokeAll(work)) {
        each.get();
      }
    } finally {
      pool.shutdownNow();
    }
    assertThat(trail.read().problems()).isEmpty();
    assertThat(trail.read().lines()).hasSize(40);
  }

  private AuditTrail written(int lines) throws IOException {
    AuditTrail trail = new AuditTrail(state);
    for (int number = 1; number <= lines; number++) {
      append(trail, number);
    }
    assertThat(trail.read().problems()).isEmpty();
    return trail;
  }

  private static void append(AuditTrail trail, int number) throws IOException {
    trail.append(Map.of("operation", "apply", "number", number));
  }

  private static void tear(AuditTrail trail, String rest) throws IOException {
    Files.writeString(trail.log(), rest, StandardOpenOption.APPEND);
  }

  private static void put(AuditTrail trail, List<String> lines, int index, String text)
      throws IOException {
    List<String> altered = new java.util.ArrayList<>(lines);
    altered.set(index, text);
    Files.write(trail.log(), altered);
  }

  private static List<String> without(List<String> lines, int from, int to) {
    List<String> rest = new java.util.ArrayList<>(lines);
    rest.subList(from, to).clear();
    return rest;
  }
}
