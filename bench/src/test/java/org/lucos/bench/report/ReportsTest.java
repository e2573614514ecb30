package org.lucos.bench.report;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.StringReader;
import java.nio.file.Path;
import java.util.List;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.lucos.bench.corpus.BuildResult.Outcome;
import org.lucos.bench.corpus.CorpusFixture;
import org.lucos.bench.corpus.DiffClass;
import org.lucos.bench.corpus.LiveResult;
import org.lucos.bench.corpus.LiveRun;
import org.xml.sax.InputSource;

class ReportsTest {
  @TempDir private Path directory;

  @BeforeEach
  void fill() {
    build("fs/a.c", DiffClass.CODE_ONLY, Outcome.BUILT, "", "");
    build("fs/b.c", DiffClass.CODE_ONLY, Outcome.BUILT, "", "");
    build("net/c.c", DiffClass.CODE_ONLY, Outcome.BUILT, "", "");
    build(
        "net/d.c", DiffClass.CODE_ONLY, Outcome.REFUSED, "unsupported-change", "is <weak>, \"x\"");
    build("net/e.c", DiffClass.CODE_ONLY, Outcome.NO_CHANGE, "nothing-changed", "");
    build("net/f.c", DiffClass.CODE_ONLY, Outcome.NOT_BUILT_HERE, "nothing-changed", "");
    build("mm/g.c", DiffClass.DATA_OR_TYPES, Outcome.REFUSED, "type-changed", "struct s");
    live("fs/a.c", LiveResult.Outcome.DONE, 2, List.of());
    live("fs/b.c", LiveResult.Outcome.DONE, 4, List.of("WARNING: CPU: 0"));
    live("mm/g.c", LiveResult.Outcome.DONE, 9, List.of()); // by an earlier builder
    live("net/c.c", LiveResult.Outcome.NOT_TRIED, 0, List.of());
  }

  @Test
  void sharesAreOfWhatCouldHaveBeen() {
    Figures figures = Reports.figures(directory);

    assertThat(figures.codeOnly()).as("no change, not built here: left out").isEqualTo(4);
    assertThat(figures.codeOnlyBuilt()).isEqualTo(3);
    assertThat(figures.codeOnlyPercent()).isEqualTo(75.0);
    assertThat(figures.tried()).as("a module that is not there: left out").isEqualTo(2);
    assertThat(figures.good()).as("a warning spoils it").isEqualTo(1);
    assertThat(figures.warned()).isEqualTo(1);
    assertThat(figures.applyPause()).isEqualTo(3);
    assertThat(figures.refusals()).containsOnlyKeys("unsupported-change", "type-changed");
  }

  @Test
  void medianIsTheMiddleOne() {
    assertThat(Figures.median(List.of(9.0, 1.0, 2.0), d -> d)).isEqualTo(2);
    assertThat(Figures.median(List.of(9.0, 1.0, 2.0, 4.0), d -> d)).isEqualTo(3);
    assertThat(Figures.median(List.<Double>of(), d -> d)).isZero();
  }

  @Test
  void thePageIsWellFormedAndHasEveryFileThatWasBuilt() throws Exception {
    Reports.write(directory, "6.1.1 & 6.1.2");

    String page = java.nio.file.Files.readString(directory.resolve("index.html"));
    assertThat(page)
        .contains("fs/a.c", "mm/g.c", "is &lt;weak&gt;", "6.1.1 &amp; 6.1.2")
        .doesNotContain("<td>net/f.c");
    String body = page.substring(page.indexOf("<body>"), page.indexOf("<script>"));
    String xml = body.replaceAll("<input ([^>]*)>", "<input $1/>") + "</body>";
    assertThat(
            DocumentBuilderFactory.newInstance()
                .newDocumentBuilder()
                .parse(new InputSource(new StringReader(xml)))
                .getElementsByTagName("svg")
                .getLength())
        .isEqualTo(4);
  }

  @Test
  void theTableQuotesWhatItMust() {
    Reports.write(directory, "t");

    assertThat(directory.resolve("corpus.csv"))
        .content()
        .startsWith("path,area,placement,")
        .contains("\"is <weak>, \"\"x\"\"\"")
        .hasLineCount(8);
    assertThat(directory.resolve("SUMMARY.md")).content().contains("3 build (75.0 %)");
  }

  private void build(String path, DiffClass kind, Outcome outcome, String code, String detail) {
    new CorpusFixture(directory).built(path, kind, outcome, code, detail, 2.5);
  }

  private void live(String path, LiveResult.Outcome outcome, double pause, List<String> warnings) {
    LiveRun.journal(directory)
        .add(
            new LiveResult(
                path, outcome, "", "", 1, pause, pause > 0 ? 1 : 0, 1, pause, true, warnings));
  }
}
