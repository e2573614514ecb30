package org.lucos.bench.corpus;

import com.google.common.collect.Lists;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.lucos.bench.corpus.LiveResult.Outcome;
import org.lucos.bench.guest.GuestLostException;
import org.lucos.bench.guest.LiveGuest;
import org.lucos.patcher.app.Failures;
import org.lucos.patcher.app.Settings;

/**
 * Applies and reverts the patches of a run in guests. When something goes wrong in a batch, each of
 * its patches is tried again alone in a fresh guest, so that it is known which one it was.
 */
public final class LiveRun implements AutoCloseable {
  private final Settings settings;
  private final Path directory;
  private final Function<List<String>, LiveGuest> boot;
  private final CorpusProgress progress;
  private @Nullable LiveGuest guest;
  private List<String> guestModules = List.of();

  /**
   * @param directory of the run
   * @param boot gives a fresh guest with these modules loaded
   */
  public LiveRun(
      Settings settings,
      Path directory,
      Function<List<String>, LiveGuest> boot,
      CorpusProgress progress) {
    this.settings = settings;
    this.directory = directory;
    this.boot = boot;
    this.progress = progress;
  }

  /** The journal of what was applied. */
  public static Journal<LiveResult> journal(Path directory) {
    return new Journal<>(directory.resolve("live.jsonl"), LiveResult.class, LiveResult::path);
  }

  /**
   * Applies and reverts.
   *
   * @param built patches that were built
   * @param batch how many are in the guest at a time
   * @param again also those that are in the journal as anything but good
   */
  public void run(List<BuildResult> built, int batch, boolean again) {
    Journal<LiveResult> journal = journal(directory);
    Map<String, LiveResult> known = journal.entries();
    List<BuildResult> todo = new ArrayList<>();
    for (BuildResult result : built) {
      LiveResult before = known.get(result.path());
      if (before == null || (again && !before.good())) {
        todo.add(result);
      }
    }
    progress.stage("applying and reverting", todo.size());
    long done = 0;
    for (List<BuildResult> some : Lists.partition(todo, batch)) {
      for (LiveResult result : together(some)) {
        journal.add(result);
        progress.done(++done, describe(result));
      }
    }
  }

  private List<LiveResult> together(List<BuildResult> some) {
    try {
      List<LiveResult> results = new LiveBatch(settings, guest(some)).run(bundles(some));
      if (some.size() == 1
          || results.stream()
              .allMatch(r -> r.warnings().isEmpty() && r.outcome() != Outcome.FAILED)) {
        return results;
      }
      progress.note("trouble in a batch: each of its patches alone");
    } catch (GuestLostException e) {
      progress.note("the guest was lost: " + e.getMessage());
      if (some.size() == 1) {
        close();
        return List.of(
            LiveResult.notApplied(
                some.get(0).path(), Outcome.FAILED, "guest-lost", Failures.describe(e), 0));
      }
    }
    close();
    List<LiveResult> alone = new ArrayList<>();
    for (BuildResult one : some) {
      List<LiveResult> result = together(List.of(one));
      alone.addAll(result);
      if (!result.get(0).good()) {
        close();
      }
    }
    return alone;
  }

  private Map<String, Path> bundles(List<BuildResult> some) {
    Map<String, Path> bundles = new LinkedHashMap<>();
    for (BuildResult result : some) {
      String name = BuildResult.bundleName(result.path());
      bundles.put(result.path(), directory.resolve("bundles").resolve(name));
    }
    return bundles;
  }

  /** The guest, if it has the modules these patches change; else a fresh one. */
  private LiveGuest guest(List<BuildResult> some) {
    List<String> modules =
        some.stream().flatMap(result -> result.modules().stream()).distinct().sorted().toList();
    if (guest == null || !guestModules.containsAll(modules)) {
      close();
      guest = boot.apply(modules);
      guestModules = modules;
      new LiveBatch(settings, guest).startLoad();
    }
    return guest;
  }

  private static String describe(LiveResult result) {
    return result.outcome()
        + (result.warnings().isEmpty() ? " " : " (with warnings) ")
        + result.path()
        + (result.code().isEmpty() ? "" : ": " + result.code());
  }

  @Override
  public void close() {
    if (guest != null) {
      guest.close();
      guest = null;
    }
  }
}
