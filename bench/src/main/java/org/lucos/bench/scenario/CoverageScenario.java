package org.lucos.bench.scenario;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;
import org.lucos.bench.harness.Recording;
import org.lucos.bench.harness.Result;
import org.lucos.bench.harness.Scenario;
import org.lucos.bench.harness.Setting;
import org.lucos.bench.report.Reports;

/**
 * How much of what upstream changes becomes live patches: sums up a corpus, or a sample of one that
 * it builds and applies itself. Counts once, however many rounds are asked for.
 */
public final class CoverageScenario implements Scenario {
  private static final int FILES = 20;

  private final int files;

  /** With a sample of some size. */
  public CoverageScenario() {
    this(FILES);
  }

  /** With a sample of so many files, where no corpus is named. */
  public CoverageScenario(int files) {
    this.files = files;
  }

  @Override
  public String name() {
    return "coverage";
  }

  @Override
  public String description() {
    return "what becomes of changed files: built, applied, reverted, refused, failed";
  }

  @Override
  public Result run(Setting setting, Consumer<String> progress) {
    Recording recording = Recording.begin(setting);
    Path directory = setting.corpus().orElseGet(() -> fresh(setting));
    String origin = "the corpus in " + directory;
    if (setting.corpus().isEmpty()) {
      origin = new CorpusSample(setting, directory, files, progress).run();
      Reports.write(directory, origin);
      progress.accept("all of it: " + directory.resolve("index.html"));
    }
    Coverage coverage = Coverage.of(directory);
    coverage.addTo(recording.samples());
    return recording.end(
        this, List.of(origin + ": " + coverage.files() + " files"), coverage.ratios());
  }

  /** What an earlier builder made of the same files must not count. */
  private static Path fresh(Setting setting) {
    try {
      return Files.createTempDirectory(Inputs.created(setting.work()), "corpus-");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
