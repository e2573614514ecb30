package org.lucos.tests.corpus;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.lucos.bench.corpus.BuildResult;
import org.lucos.bench.corpus.BuildResult.Outcome;
import org.lucos.bench.corpus.ChangedFile;
import org.lucos.bench.corpus.Corpus;
import org.lucos.bench.corpus.CorpusProgress;
import org.lucos.bench.corpus.CorpusRun;
import org.lucos.bench.corpus.DiffClass;
import org.lucos.bench.corpus.DiffClassifier;
import org.lucos.bench.corpus.LiveBatch;
import org.lucos.bench.corpus.LiveResult;
import org.lucos.bench.guest.LiveGuest;
import org.lucos.bench.report.Figures;
import org.lucos.bench.report.Reports;
import org.lucos.patcher.app.Settings;
import org.lucos.patcher.build.AptPackageIndex;
import org.lucos.patcher.build.BuildListener;
import org.lucos.patcher.build.DiffTool;
import org.lucos.patcher.build.KernelTree;
import org.lucos.patcher.build.KernelTrees;
import org.lucos.patcher.build.Placement;
import org.lucos.patcher.build.ProcessCommands;
import org.lucos.patcher.refusal.RefusedException;
import org.lucos.tests.guest.GuestSpec;
import org.lucos.tests.guest.Repository;
import org.lucos.tests.guest.TestGuest;

/**
 * Some of the code-only changes between the oldest and the newest 6.1 on offer: built, applied
 * together under load, reverted. The whole is for {@code lucos-corpus}.
 */
class CorpusSampleTest {
  private static final int FILES = 12;

  /** A file that needs a header's change is no change of code only, but the compiler tells that. */
  private static final int LEAST_BUILT = 5;

  private static final long SEED = 3;

  /** Headers that many objects include are for the whole corpus. */
  private static final CorpusRun.Limits LIMITS = new CorpusRun.Limits(2, Duration.ofMinutes(5), 10);

  private static final Path CACHE = Repository.cache();

  @Test
  void codeOnlyChangesBuildAndComeAndGoUnderLoad(@TempDir Path directory) {
    CorpusRun run = new CorpusRun(CACHE, directory, new Printed());
    Corpus corpus = oldestToNewest(run);
    run.build(corpus, sample(corpus), CorpusRun.Redo.NOTHING, SEED, LIMITS);

    List<BuildResult> results = List.copyOf(CorpusRun.builds(directory).entries().values());
    assertThat(results).hasSize(FILES);
    assertThat(results)
        .allSatisfy(
            result -> {
              assertThat(result.outcome()).as(result.toString()).isNotEqualTo(Outcome.FAILED);
              if (result.outcome() == Outcome.REFUSED) {
                assertThat(result.kind()).as(result.toString()).isEqualTo(DiffClass.NEEDS_HEADERS);
              }
            });
    Map<String, Path> bundles = new LinkedHashMap<>();
    results.stream()
        .filter(result -> result.outcome() == Outcome.BUILT)
        .forEach(
            result ->
                bundles.put(
                    result.path(),
                    directory.resolve("bundles").resolve(BuildResult.bundleName(result.path()))));
    assertThat(bundles).as(results.toString()).hasSizeGreaterThanOrEqualTo(LEAST_BUILT);

    GuestSpec spec = GuestSpec.release(corpus.release()).withVcpus(2);
    try (TestGuest guest = TestGuest.boot(spec)) {
      LiveBatch batch = new LiveBatch(settings(), new Lent(guest));
      batch.startLoad();
      List<LiveResult> live = batch.run(bundles);
      assertThat(live).hasSameSizeAs(bundles.entrySet());
      assertThat(live).allSatisfy(result -> assertThat(result.good()).as("%s", result).isTrue());
      assertThat(guest.run("grep -c ^lucos_ /proc/modules || true")).isEqualTo("0");
      guest.assertNoKernelWarnings();
    }
    Reports.write(directory, "a sample");
    Figures figures = Reports.figures(directory);
    assertThat(figures.codeOnlyBuilt()).isEqualTo(figures.codeOnly());
    assertThat(directory.resolve("index.html")).content().contains("<svg");
    assertThat(directory.resolve("corpus.csv")).content().contains(bundles.keySet());
  }

  private static Corpus oldestToNewest(CorpusRun run) {
    List<String> versions =
        new AptPackageIndex(new ProcessCommands(), CACHE).versions("linux-source-6.1");
    for (int oldest = versions.size() - 1; oldest > 0; oldest--) {
      try {
        return run.split(versions.get(oldest), versions.get(0), "cloud-amd64");
      } catch (RefusedException e) {
        System.out.println("  " + e.getMessage()); // its kernel is not on offer any more
      }
    }
    throw new AssertionError("no two versions on offer: " + versions);
  }

  private static List<ChangedFile> sample(Corpus corpus) {
    KernelTree tree = KernelTrees.onThisHost(CACHE).prepare(corpus.release(), BuildListener.SILENT);
    DiffClassifier classifier = new DiffClassifier(new DiffTool(new ProcessCommands()));
    List<ChangedFile> all = new ArrayList<>(corpus.files());
    Collections.shuffle(all, new Random(SEED));
    List<ChangedFile> sample = new ArrayList<>();
    for (ChangedFile file : all) {
      if (sample.size() < FILES
          && file.path().endsWith(".c")
          && isCodeOnly(classifier, corpus, file)
          && tree.placement(file.path()) instanceof Placement.BuiltIn) {
        sample.add(file);
      }
    }
    return sample;
  }

  private static boolean isCodeOnly(DiffClassifier classifier, Corpus corpus, ChangedFile file) {
    return classifier.classify(file, corpus.textBefore(file), corpus.textAfter(file)).kind()
        == DiffClass.CODE_ONLY;
  }

  private static Settings settings() {
    Path own = Repository.own("corpus");
    Settings host = Settings.from(System.getenv(), java.util.Optional.empty());
    return new Settings(
        host.connection(),
        CACHE,
        own.resolve("state"),
        own.resolve("locks"),
        Repository.root().resolve("kernel-patches"),
        own.resolve("keys"),
        host.clock());
  }

  /** A test's guest, which the test ends. */
  private record Lent(TestGuest guest) implements LiveGuest {
    @Override
    public String name() {
      return guest.name();
    }

    @Override
    public String run(String command) {
      return guest.run(command);
    }

    @Override
    public void close() {}
  }

  /** On the test's output. */
  private static final class Printed implements CorpusProgress {
    @Override
    public void stage(String name, long total) {
      System.out.println("  " + name + " " + total);
    }

    @Override
    public void done(long count, String last) {
      if (!last.isEmpty()) {
        System.out.println("  " + count + " " + last);
      }
    }

    @Override
    public void note(String text) {
      System.out.println("  " + text);
    }
  }
}
