package org.lucos.bench.corpus;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Collectors;
import org.lucos.bench.corpus.BuildResult.Outcome;
import org.lucos.patcher.app.Version;
import org.lucos.patcher.build.AptPackageIndex;
import org.lucos.patcher.build.BuildListener;
import org.lucos.patcher.build.DiffTool;
import org.lucos.patcher.build.KernelTree;
import org.lucos.patcher.build.PackageVersion;
import org.lucos.patcher.build.PatchBuilder;
import org.lucos.patcher.build.ProcessCommands;

/**
 * Builds a corpus, one directory a run. What is finished is in its journals; run again with the
 * same directory, it goes on where it stopped.
 */
public final class CorpusRun {
  private static final ObjectMapper JSON = new ObjectMapper();

  private final Path cache;
  private final Path directory;
  private final CorpusProgress progress;

  /**
   * @param cache downloads and kernel trees
   * @param directory what this run makes
   */
  public CorpusRun(Path cache, Path directory, CorpusProgress progress) {
    this.cache = cache.toAbsolutePath();
    this.directory = directory;
    this.progress = progress;
  }

  /** Outcomes that are tried again though they are in the journal. */
  public record Redo(Set<Outcome> outcomes, Set<String> codes) {
    /** None. */
    public static final Redo NOTHING = new Redo(Set.of(), Set.of());

    /** Keeps its own copies. */
    public Redo {
      outcomes = Set.copyOf(outcomes);
      codes = Set.copyOf(codes);
    }

    boolean wants(BuildResult result) {
      return outcomes.contains(result.outcome()) || codes.contains(result.code());
    }
  }

  /**
   * What builds may take.
   *
   * @param workers how many at a time
   * @param time how long each may take
   * @param objects how many objects each may compile because of headers
   */
  public record Limits(int workers, Duration time, int objects) {}

  /** The journal of builds. */
  public static Journal<BuildResult> builds(Path directory) {
    return new Journal<>(directory.resolve("builds.jsonl"), BuildResult.class, BuildResult::path);
  }

  /** Unpacks both versions and compares them; the result is kept in the directory. */
  public Corpus split(String from, String to, String flavour) {
    ProcessCommands commands = new ProcessCommands();
    AptPackageIndex index = new AptPackageIndex(commands, cache);
    Versions versions = new Versions(index);
    BuildListener listener = new StepListener(progress);
    PackageVersion older = versions.source(from, listener);
    PackageVersion newer = versions.source(to, listener);
    String release = versions.release(older, flavour);
    PatchBuilder builder = PatchBuilder.onThisHost(cache, Version.current());
    Path before = builder.trees().sources().unpacked(older, listener);
    Path after = builder.trees().sources().unpacked(newer, listener);
    return new Corpus(older, newer, release, before, after, files(older, newer, before, after));
  }

  private List<ChangedFile> files(
      PackageVersion older, PackageVersion newer, Path before, Path after) {
    Path kept = directory.resolve("files-" + older.version() + "-" + newer.version() + ".json");
    try {
      if (Files.exists(kept)) {
        return JSON.readValue(kept.toFile(), new TypeReference<List<ChangedFile>>() {});
      }
      Files.createDirectories(directory);
      progress.stage("comparing " + older + " with " + newer, 0);
      List<ChangedFile> files =
          SourceSplit.of(before, after, (done, total) -> progress.done(done, ""));
      JSON.writeValue(kept.toFile(), files);
      return files;
    } catch (IOException e) {
      throw new UncheckedIOException("cannot keep " + kept, e);
    }
  }

  /**
   * Builds every file that is not in the journal yet, in an order by chance: what is done at any
   * moment is a fair sample of the whole.
   *
   * @param seed makes the order
   */
  public void build(Corpus corpus, List<ChangedFile> chosen, Redo redo, long seed, Limits limits) {
    PatchBuilder builder =
        PatchBuilder.onThisHost(cache, Version.current()).limitedTo(limits.objects());
    KernelTree tree = builder.trees().prepare(corpus.release(), new StepListener(progress));
    Journal<BuildResult> journal = builds(directory);
    var known = journal.entries();
    List<ChangedFile> todo =
        chosen.stream()
            .filter(f -> !known.containsKey(f.path()) || redo.wants(known.get(f.path())))
            .collect(Collectors.toCollection(ArrayList::new));
    Collections.shuffle(todo, new Random(seed));
    progress.stage("building", todo.size());
    FileBuilder files =
        new FileBuilder(
            corpus, tree, builder, new DiffTool(new ProcessCommands()), directory, limits.time());
    AtomicLong done = new AtomicLong();
    ExecutorService pool = Executors.newFixedThreadPool(limits.workers());
    try {
      List<Future<?>> all = new ArrayList<>();
      for (ChangedFile file : todo) {
        all.add(
            pool.submit(
                () -> {
                  BuildResult result = files.build(file);
                  journal.add(result);
                  progress.done(done.incrementAndGet(), result.outcome() + " " + result.path());
                }));
      }
      for (Future<?> one : all) {
        one.get();
      }
    } catch (ExecutionException e) {
      throw new IllegalStateException("cannot go on: " + e.getCause(), e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted", e);
    } finally {
      pool.shutdownNow();
    }
  }

  private record StepListener(CorpusProgress progress) implements BuildListener {
    @Override
    public void step(String what) {
      progress.note(what);
    }
  }
}
