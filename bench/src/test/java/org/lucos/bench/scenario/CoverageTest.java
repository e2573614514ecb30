package org.lucos.bench.scenario;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.lucos.bench.corpus.BuildResult.Outcome;
import org.lucos.bench.corpus.CorpusFixture;
import org.lucos.bench.corpus.DiffClass;
import org.lucos.bench.corpus.LiveResult;
import org.lucos.bench.corpus.LiveRun;
import org.lucos.bench.harness.Result;
import org.lucos.bench.harness.Samples;
import org.lucos.bench.harness.Series;
import org.lucos.bench.harness.Setting;
import org.lucos.patcher.app.Settings;

class CoverageTest {
  @TempDir private Path directory;

  @Test
  void everyFileIsCountedOnceByHowFarItCame() {
    fill();

    Samples samples = new Samples();
    Coverage.of(directory).addTo(samples);

    List<Series> files = samples.series().stream().filter(s -> s.group().equals("files")).toList();
    assertThat(files).allSatisfy(series -> assertThat(series.unit()).isEqualTo("files"));
    assertThat(count(samples, "files", "looked at")).isEqualTo(8);
    assertThat(files.stream().skip(1).mapToLong(s -> s.samples().get(0)).sum()).isEqualTo(8);
    assertThat(count(samples, "files", "applied and reverted")).isEqualTo(1);
    assertThat(count(samples, "files", "not reverted")).isEqualTo(1);
    assertThat(count(samples, "files", "not tried: module not loaded")).isEqualTo(1);
    assertThat(count(samples, "files", "not built here")).isEqualTo(1);
    assertThat(count(samples, "refused", "type-changed")).isEqualTo(2);
    assertThat(count(samples, "refused in guest", "functions-in-use")).isEqualTo(1);
  }

  @Test
  void timesAreThoseOfWhatWasDone() {
    fill();

    Samples samples = new Samples();
    Coverage.of(directory).addTo(samples);

    assertThat(samples.of("each file", "build").count()).as("not built here: no time").isEqualTo(7);
    assertThat(samples.of("each file", "build").most()).isBetween(2_490_000L, 2_510_000L);
    assertThat(samples.of("each file", "pause of apply").count()).isEqualTo(2);
    assertThat(samples.of("each file", "revert").count()).as("one was not reverted").isEqualTo(1);
  }

  @Test
  void whatIsPromisedStandsBesideWhatWasFound() {
    fill();

    assertThat(Coverage.of(directory).ratios())
        .containsExactly(
            "code only: 3 of 4 built (promised 95 %)",
            "built: 1 of 2 applied and reverted (promised 99 %)",
            "refused: type-changed 2",
            "refused in the guest: functions-in-use 1",
            "failed: took-too-long 1");
  }

  @Test
  void whereNothingFailedItSaysSo() {
    build("fs/a.c", DiffClass.CODE_ONLY, Outcome.BUILT, "", 1);

    assertThat(Coverage.of(directory).ratios())
        .contains("refused: none", "refused in the guest: none", "failed: none");
  }

  @Test
  void aDirectoryWithoutACorpusIsAnError() {
    assertThatThrownBy(() -> Coverage.of(directory))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("no corpus in " + directory);
  }

  @Test
  void theScenarioReadsTheCorpusItIsGiven() {
    fill();
    Setting setting =
        new Setting(
            directory,
            Settings.from(Map.of(), Optional.empty()),
            directory.resolve("work"),
            List.of(),
            1,
            Optional.of(directory));

    Result result = new CoverageScenario().run(setting, line -> {});

    assertThat(result.guests()).containsExactly("the corpus in " + directory + ": 8 files");
    assertThat(result.ratios()).hasSize(5);
    assertThat(directory.resolve("work")).doesNotExist();
  }

  private void fill() {
    build("fs/a.c", DiffClass.CODE_ONLY, Outcome.BUILT, "", 2.5);
    build("fs/b.c", DiffClass.CODE_ONLY, Outcome.BUILT, "", 2.5);
    build("net/c.c", DiffClass.CODE_ONLY, Outcome.BUILT, "", 2.5);
    build("net/d.c", DiffClass.CODE_ONLY, Outcome.FAILED, "took-too-long", 2.5);
    build("net/e.c", DiffClass.CODE_ONLY, Outcome.NO_CHANGE, "nothing-changed", 2.5);
    build("net/f.c", DiffClass.CODE_ONLY, Outcome.NOT_BUILT_HERE, "nothing-changed", 0);
    build("mm/g.c", DiffClass.DATA_OR_TYPES, Outcome.REFUSED, "type-changed", 2.5);
    build("mm/h.c", DiffClass.DATA_OR_TYPES, Outcome.REFUSED, "type-changed", 2.5);
    live("fs/a.c", LiveResult.Outcome.DONE, "", 1);
    live("fs/b.c", LiveResult.Outcome.REVERT_REFUSED, "functions-in-use", 1);
    live("net/c.c", LiveResult.Outcome.NOT_TRIED, "module-not-loaded", 0);
  }

  private static long count(Samples samples, String group, String name) {
    return samples.of(group, name).most();
  }

  private void build(String path, DiffClass kind, Outcome outcome, String code, double seconds) {
    new CorpusFixture(directory).built(path, kind, outcome, code, "", seconds);
  }

  private void live(String path, LiveResult.Outcome outcome, String code, int attempts) {
    LiveRun.journal(directory)
        .add(new LiveResult(path, outcome, code, "", 1.5, 2, attempts, 0.5, 2, true, List.of()));
  }
}
