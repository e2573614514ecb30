package org.lucos.bench.scenario;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Consumer;
import org.lucos.bench.harness.Recording;
import org.lucos.bench.harness.Result;
import org.lucos.bench.harness.Samples;
import org.lucos.bench.harness.Scenario;
import org.lucos.bench.harness.Setting;
import org.lucos.patcher.build.BuildRequest;

/**
 * From a diff to a bundle: one file, and headers whose change reaches several objects. Cold: of the
 * kernel there are its packages, its unpacked source and its prepared tree, and nothing of the file
 * has been compiled. Warm: the same diff once more, and another change in the same place.
 */
public final class BuildScenario implements Scenario {
  static final String FIRST = "first of its kernel";
  static final String COLD = "cold";
  static final String SAME = "the same once more";
  static final String OTHER = "another change";
  static final String OBJECTS = "objects that differ";

  /** Builds take seconds to minutes, and much the same each time. */
  private static final int MOST_ROUNDS = 10;

  /** Each prepares the kernel's tree, which takes a minute. */
  private static final int MOST_FIRSTS = 3;

  private static final double COLD_SECONDS = 180;
  private static final double WARM_SECONDS = 30;

  /** A change that is built, and another in the same place; both are edit scripts. */
  record Change(String group, String edit, String other) {}

  static final Change ONE_FILE =
      new Change("one file", "mechanism/uptime-shows", "mechanism/uptime-slows");
  static final Change FEW_OBJECTS =
      new Change("a header, few", "bench/header-few", "bench/header-few-else");
  static final Change MANY_OBJECTS =
      new Change("a header, many", "bench/header-many", "bench/header-many-else");

  private final int rounds;
  private final int firsts;
  private final List<Change> changes;

  /** With everything there is. */
  public BuildScenario() {
    this(MOST_ROUNDS, MOST_FIRSTS, List.of(ONE_FILE, FEW_OBJECTS, MANY_OBJECTS));
  }

  private BuildScenario(int rounds, int firsts, List<Change> changes) {
    this.rounds = rounds;
    this.firsts = firsts;
    this.changes = List.copyOf(changes);
  }

  /** One round, and no header that many objects use. */
  public static BuildScenario brief() {
    return new BuildScenario(1, 0, List.of(ONE_FILE, FEW_OBJECTS));
  }

  /** One round of one file. */
  public static BuildScenario ofOneFile() {
    return new BuildScenario(1, 0, List.of(ONE_FILE));
  }

  @Override
  public String name() {
    return "build";
  }

  @Override
  public String description() {
    return "from a diff to a bundle: cold (tree prepared, nothing compiled) and warm";
  }

  @Override
  public Result run(Setting setting, Consumer<String> progress) {
    Recording recording = Recording.begin(setting);
    Samples samples = recording.samples();
    String release = Kernels.release(setting);
    int times = Math.min(rounds, setting.rounds());
    progress.accept("preparing the tree of " + release);
    try (FreshBuilds builds = FreshBuilds.of(setting, release)) {
      BuildRequest first = builds.request(ONE_FILE.edit());
      for (int round = 0; round < Math.min(firsts, times); round++) {
        builds.forgetKernel();
        samples.add(ONE_FILE.group(), FIRST, builds.build(first).microseconds());
        progress.accept(FIRST + ", round " + (round + 1));
      }
      for (Change change : changes) {
        BuildRequest request = builds.request(change.edit());
        BuildRequest other = builds.request(change.other());
        for (int round = 0; round < times; round++) {
          round(builds, change.group(), request, other, samples);
          progress.accept(change.group() + ", round " + (round + 1) + " of " + times);
        }
      }
    }
    return recording.end(this, List.of(release + ", built for; no guest"), ratios(samples));
  }

  private static void round(
      FreshBuilds builds, String group, BuildRequest request, BuildRequest other, Samples samples) {
    builds.forgetObjects();
    FreshBuilds.Timed cold = builds.build(request);
    FreshBuilds.Timed same = builds.build(request);
    if (!same.digest().equals(cold.digest())) {
      throw new IllegalStateException("the same diff gave another bundle: " + request.name());
    }
    samples.add(group, COLD, cold.microseconds());
    samples.add(group, SAME, same.microseconds());
    samples.add(group, OTHER, builds.build(other).microseconds());
    samples.add(group, OBJECTS, "objects", cold.objects());
  }

  private List<String> ratios(Samples samples) {
    List<String> ratios = new ArrayList<>();
    for (Change change : changes) {
      ratios.add(bounds(change.group(), samples));
    }
    if (samples.of(ONE_FILE.group(), FIRST).count() > 0) {
      ratios.add(
          String.format(
              Locale.ROOT,
              "%s, the longest: %s, tree included, %.1f s (promised: less than %.0f)",
              ONE_FILE.group(),
              FIRST,
              seconds(samples, ONE_FILE.group(), FIRST),
              COLD_SECONDS));
    }
    return ratios;
  }

  /** The longest of each beside what is promised. */
  static String bounds(String group, Samples samples) {
    return String.format(
        Locale.ROOT,
        "%s (objects that differ: %d), the longest: cold %.1f s (promised: less than %.0f), the same once more"
            + " %.1f s, another change %.1f s (promised: less than %.0f)",
        group,
        samples.of(group, OBJECTS).most(),
        seconds(samples, group, COLD),
        COLD_SECONDS,
        seconds(samples, group, SAME),
        seconds(samples, group, OTHER),
        WARM_SECONDS);
  }

  private static double seconds(Samples samples, String group, String name) {
    return samples.of(group, name).most() / 1e6;
  }
}
