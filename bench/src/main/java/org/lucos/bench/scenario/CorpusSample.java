package org.lucos.bench.scenario;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.lucos.bench.corpus.BuildResult;
import org.lucos.bench.corpus.ChangedFile;
import org.lucos.bench.corpus.Corpus;
import org.lucos.bench.corpus.CorpusProgress;
import org.lucos.bench.corpus.CorpusRun;
import org.lucos.bench.corpus.LiveRun;
import org.lucos.bench.guest.BootedGuest;
import org.lucos.bench.harness.Setting;
import org.lucos.patcher.build.AptPackageIndex;
import org.lucos.patcher.build.BuildListener;
import org.lucos.patcher.build.KernelTree;
import org.lucos.patcher.build.KernelTrees;
import org.lucos.patcher.build.Placement;
import org.lucos.patcher.build.ProcessCommands;
import org.lucos.patcher.refusal.RefusedException;

/**
 * Some of the C files of vmlinux that differ between two versions of a kernel's source, whatever
 * their change is: built, applied in a guest under load, reverted.
 */
final class CorpusSample {
  private static final String FLAVOUR = "cloud-amd64";
  private static final String LOAD = "syscall_load";

  /** The version in front of a release's flavour. */
  private static final Pattern VERSION = Pattern.compile("[0-9][0-9A-Za-z.+~]*(?:-[0-9]+)?-(.+)");

  /** The same seed chooses the same files of the same two versions. */
  private static final long SEED = 3;

  /** Headers that many objects include are for the whole corpus. */
  private static final CorpusRun.Limits LIMITS = new CorpusRun.Limits(2, Duration.ofMinutes(5), 10);

  private static final int BATCH = 10;

  private final Setting setting;
  private final Path directory;
  private final int files;
  private final CorpusProgress progress;

  /**
   * @param directory what the run makes, as {@code lucos-corpus} does
   * @param files how many
   */
  CorpusSample(Setting setting, Path directory, int files, Consumer<String> progress) {
    this.setting = setting;
    this.directory = directory;
    this.files = files;
    this.progress = new Told(progress);
  }

  /** Builds and applies; what it was made of, for people. */
  String run() {
    Path cache = setting.settings().cache();
    CorpusRun run = new CorpusRun(cache, directory, progress);
    Corpus corpus = Kernels.named(setting).map(r -> since(run, r)).orElseGet(() -> whole(run));
    List<ChangedFile> sample = chosen(corpus);
    run.build(corpus, sample, CorpusRun.Redo.NOTHING, SEED, LIMITS);
    List<BuildResult> built =
        CorpusRun.builds(directory).entries().values().stream()
            .filter(result -> result.outcome() == BuildResult.Outcome.BUILT)
            .toList();
    try (LiveRun live =
        new LiveRun(setting.settings(), directory, modules -> boot(corpus, modules), progress)) {
      live.run(built, BATCH, false);
    }
    return String.format(
        "%s to %s, %s, %d C files of vmlinux by chance (seed %d), refused where headers make more"
            + " than %d objects",
        corpus.from(), corpus.to(), corpus.release(), sample.size(), SEED, LIMITS.objects());
  }

  /** From the oldest version whose kernel is on offer to the newest. */
  private Corpus whole(CorpusRun run) {
    List<String> versions = versions("linux-source-" + Kernels.series(setting));
    for (int oldest = versions.size() - 1; oldest > 0; oldest--) {
      try {
        return run.split(versions.get(oldest), versions.get(0), FLAVOUR);
      } catch (RefusedException e) {
        progress.note(versions.get(oldest) + ": " + e.getMessage());
      }
    }
    throw new IllegalStateException("no two versions on offer: " + versions);
  }

  /** From the version of a kernel to the newest. */
  private Corpus since(CorpusRun run, String release) {
    var own =
        KernelTrees.onThisHost(setting.settings().cache())
            .packages()
            .find(release, BuildListener.SILENT)
            .source();
    String newest = versions(own.name()).get(0);
    Matcher flavour = VERSION.matcher(release);
    if (newest.equals(own.version()) || !flavour.matches()) {
      throw new IllegalStateException("nothing on offer is newer than " + release + ": " + own);
    }
    return run.split(own.version(), newest, flavour.group(1));
  }

  private List<String> versions(String sourcePackage) {
    return new AptPackageIndex(new ProcessCommands(), setting.settings().cache())
        .versions(sourcePackage);
  }

  private List<ChangedFile> chosen(Corpus corpus) {
    KernelTree tree =
        KernelTrees.onThisHost(setting.settings().cache())
            .prepare(corpus.release(), BuildListener.SILENT);
    List<ChangedFile> all =
        new ArrayList<>(corpus.chosen(new Corpus.Choice(Optional.empty(), Optional.empty(), SEED)));
    Collections.shuffle(all, new Random(SEED));
    return all.stream()
        .filter(file -> file.change() == ChangedFile.Change.CHANGED && file.path().endsWith(".c"))
        .filter(file -> tree.placement(file.path()) instanceof Placement.BuiltIn)
        .limit(files)
        .toList();
  }

  private BootedGuest boot(Corpus corpus, List<String> modules) {
    return BootedGuest.boot(
        setting.home().resolve("vm-images"),
        "lucos-bench-coverage-" + ProcessHandle.current().pid(),
        List.of("--release", corpus.release()),
        ScenarioGuest.VCPUS,
        modules,
        List.of(Inputs.program(setting, LOAD)),
        Inputs.programs(setting));
  }

  /** A line each; how far a stage is, is left out where nothing has ended. */
  private record Told(Consumer<String> lines) implements CorpusProgress {
    @Override
    public void stage(String name, long total) {
      lines.accept(total > 0 ? name + ": " + total : name);
    }

    @Override
    public void done(long count, String last) {
      if (!last.isEmpty()) {
        lines.accept(count + " " + last);
      }
    }

    @Override
    public void note(String text) {
      lines.accept(text);
    }
  }
}
