package org.lucos.bench.scenario;

import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Consumer;
import org.lucos.bench.harness.Recording;
import org.lucos.bench.harness.Result;
import org.lucos.bench.harness.Samples;
import org.lucos.bench.harness.Scenario;
import org.lucos.bench.harness.Setting;

/** One controller that patches several guests at once: how long it takes, and what it needs. */
public final class ScaleScenario implements Scenario {
  private static final String PATCH = "version-shows";
  private static final String APPLY = "all applied";
  private static final String REVERT = "all reverted";
  private static final String EACH = "one of them applied";
  private static final String HEAP = "heap after it";
  private static final String THREADS = "threads at most";

  private final List<Integer> counts;

  /** With 1, 5, 10 and 20 guests. */
  public ScaleScenario() {
    this(List.of(1, 5, 10, 20));
  }

  /** With so many guests, one number after the other, ascending. */
  public ScaleScenario(List<Integer> counts) {
    this.counts = List.copyOf(counts);
  }

  @Override
  public String name() {
    return "scale";
  }

  @Override
  public String description() {
    return "several guests patched at once by one controller: " + counts;
  }

  @Override
  public Result run(Setting setting, Consumer<String> progress) {
    Recording recording = Recording.begin(setting);
    Samples samples = recording.samples();
    List<ScenarioGuest> guests = new ArrayList<>();
    try {
      for (int i = 0; i < Collections.max(counts); i++) {
        progress.accept("booting guest " + (i + 1));
        guests.add(ScenarioGuest.boot(setting, "scale" + i, List.of(), Optional.empty()));
      }
      ScenarioGuest first = guests.get(0);
      progress.accept("building " + PATCH + " for " + first.release());
      Path bundle = Inputs.edit(setting, PATCH, first.release());
      for (ScenarioGuest guest : guests) { // each guest's kernel is found and kept
        Patches.apply(setting, guest.name(), List.of(bundle));
        Patches.revert(setting, guest.name(), List.of(PATCH));
      }
      for (int round = 0; round < setting.rounds(); round++) {
        for (int count : counts) {
          round(setting, guests.subList(0, count), bundle, samples);
        }
        progress.accept("round " + (round + 1) + " of " + setting.rounds());
      }
      return recording.end(
          this, List.of(guests.size() + " guests: " + first.facts()), ratios(samples));
    } finally {
      guests.forEach(ScenarioGuest::close);
    }
  }

  private static void round(
      Setting setting, List<ScenarioGuest> guests, Path bundle, Samples samples) {
    String group = group(guests.size());
    ManagementFactory.getThreadMXBean().resetPeakThreadCount();
    ExecutorService pool = Executors.newFixedThreadPool(guests.size());
    try {
      List<Callable<Long>> applies = new ArrayList<>();
      List<Callable<Long>> reverts = new ArrayList<>();
      for (ScenarioGuest guest : guests) {
        applies.add(timed(() -> Patches.apply(setting, guest.name(), List.of(bundle))));
        reverts.add(timed(() -> Patches.revert(setting, guest.name(), List.of(PATCH))));
      }
      long start = System.nanoTime();
      all(pool, applies).forEach(micros -> samples.add(group, EACH, micros));
      samples.add(group, APPLY, micros(start));
      start = System.nanoTime();
      all(pool, reverts);
      samples.add(group, REVERT, micros(start));
    } finally {
      pool.shutdown();
    }
    samples.add(
        group, THREADS, "threads", ManagementFactory.getThreadMXBean().getPeakThreadCount());
    System.gc();
    long heap = ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed();
    samples.add(group, HEAP, "kB", heap >> 10);
  }

  private static Callable<Long> timed(Runnable work) {
    return () -> {
      long start = System.nanoTime();
      work.run();
      return micros(start);
    };
  }

  private static List<Long> all(ExecutorService pool, List<Callable<Long>> works) {
    try {
      List<Long> results = new ArrayList<>();
      for (Future<Long> future : pool.invokeAll(works)) {
        results.add(future.get());
      }
      return results;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted", e);
    } catch (ExecutionException e) {
      throw new IllegalStateException("one of the guests could not be patched", e.getCause());
    }
  }

  private static long micros(long start) {
    return (System.nanoTime() - start) / 1000;
  }

  private static String group(int guests) {
    return guests + (guests == 1 ? " guest" : " guests");
  }

  /** Straight from the fewest guests to the most. */
  private List<String> ratios(Samples samples) {
    int few = Collections.min(counts);
    int many = Collections.max(counts);
    long less = samples.of(group(few), APPLY).median();
    long more = samples.of(group(many), APPLY).median();
    long heap = samples.of(group(many), HEAP).median() - samples.of(group(few), HEAP).median();
    int guests = Math.max(1, many - few);
    return List.of(
        String.format(
            Locale.ROOT,
            "medians: %s %.2f s, %s %.2f s: %.2f s for each guest more",
            group(few),
            less / 1e6,
            group(many),
            more / 1e6,
            (more - less) / 1e6 / guests),
        String.format(Locale.ROOT, "heap kept for each guest more: %d kB", heap / guests));
  }
}
