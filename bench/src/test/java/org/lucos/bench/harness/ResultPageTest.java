package org.lucos.bench.harness;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ResultPageTest {
  private static final Result RESULT =
      new Result(
          "call",
          "2026-01-01T00:00:00Z",
          new Machine("a <fast> cpu", 2, "6.1", "0.1 to 0.2"),
          List.of("a guest & its agent"),
          List.of(
              new Series("idle", "one", "us", List.of(5L, 70L, 900L)),
              new Series("idle", "two", "us", List.of(0L)),
              new Series("idle", "cost", "ns/1000 calls", List.of(1_000_000L)),
              new Series("idle", "none", "us", List.of()),
              new Series("idle", "put off", "times", List.of(3L))),
          List.of("one is \"less\" than two"));

  @Test
  void pageHoldsFiguresPlotsAndTheRawDataItself(@TempDir Path folder) throws Exception {
    Path page = folder.resolve("page.html");
    ResultPage.write(page, List.of(RESULT, RESULT));
    String html = Files.readString(page);
    assertThat(html)
        .contains(
            "a &lt;fast&gt; cpu", "a guest &amp; its agent", "one is &quot;less&quot; than two")
        .doesNotContain("<fast>", "NaN", "Infinity")
        .doesNotContainPattern("(?i)(src|href)=\"(?!data:)"); // needs nothing else
    assertThat(count(html, "<circle ")).as("a dot a time").isEqualTo(2 * 5);
    assertThat(count(html, "<svg ")).as("a plot a unit").isEqualTo(2 * 2);
    assertThat(count(html, "<tr><td>")).as("a row a series").isEqualTo(2 * 5);

    Matcher data = Pattern.compile("base64,([^\"]+)").matcher(html);
    assertThat(data.find()).isTrue();
    Path raw = folder.resolve("raw.json");
    Files.writeString(raw, new String(Base64.getDecoder().decode(data.group(1)), UTF_8));
    assertThat(Results.read(raw)).isEqualTo(RESULT);
  }

  @Test
  void resultsComeBackFromTheirFile(@TempDir Path folder) {
    Path file = Results.write(folder, RESULT);
    assertThat(file).isEqualTo(Results.file(folder, "call"));
    assertThat(Results.read(file)).isEqualTo(RESULT);
    assertThat(Results.table(RESULT)).contains("idle", "put off", "times", "one is \"less\"");
  }

  private static int count(String text, String part) {
    return text.split(Pattern.quote(part), -1).length - 1;
  }
}
