package org.lucos.bench.scenario;

import com.google.common.base.Splitter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import org.lucos.bench.harness.Recording;
import org.lucos.bench.harness.Result;
import org.lucos.bench.harness.Samples;
import org.lucos.bench.harness.Scenario;
import org.lucos.bench.harness.Setting;
import org.lucos.patcher.kernel.RunningKernel;

/**
 * What whole workloads take in a guest that nobody looks at, that is looked at, that has one patch
 * or several, and that had some. One state after the other in each round, in the same guest.
 */
public final class WorkloadScenario implements Scenario {
  private static final String ALONE = "unmanaged";
  private static final String ATTACHED = "attached";
  private static final String ONE = "one patch";
  private static final String ALL = "all patches";
  private static final String AFTER = "after revert";
  private static final String UNIT = "ns";
  private static final int BATCHES = 5;
  private static final List<String> PATCHES =
      List.of(
          "lseek-answers",
          "version-shows",
          "cmdline-shows",
          "uptime-shows",
          "loadavg-shows",
          "filesystems-shows",
          "directory-hides-name",
          "getsockname-answers",
          "nanosleep-refuses");

  private final List<String> patches;
  private final boolean big;

  private WorkloadScenario(int patches, boolean big) {
    this.patches = PATCHES.subList(0, patches);
    this.big = big;
  }

  /** With all patches and all workloads there are. */
  public static WorkloadScenario whole() {
    return new WorkloadScenario(PATCHES.size(), true);
  }

  /**
   * With all workloads.
   *
   * @param patches how many, at least two: the first one is applied alone
   */
  public static WorkloadScenario of(int patches) {
    return new WorkloadScenario(patches, true);
  }

  /** With two patches; nothing is compiled, and no database is made. */
  public static WorkloadScenario brief() {
    return new WorkloadScenario(2, false);
  }

  @Override
  public String name() {
    return "workload";
  }

  @Override
  public String description() {
    return "workloads in a guest unmanaged, attached, with 1 and "
        + patches.size()
        + " patches, and after them";
  }

  @Override
  public Result run(Setting setting, Consumer<String> progress) {
    Recording recording = Recording.begin(setting);
    Samples samples = recording.samples();
    progress.accept("booting a guest");
    Optional<HostPrograms> programs =
        big ? Optional.of(HostPrograms.of(setting, Kernels.release(setting))) : Optional.empty();
    try (ScenarioGuest guest =
        ScenarioGuest.bootWith(setting, "workload", List.of("workloads"), programs)) {
      guest.run("ip link set lo up");
      List<Path> bundles = new ArrayList<>();
      for (String patch : patches) {
        progress.accept("building " + patch + " for " + guest.release());
        bundles.add(Inputs.edit(setting, patch, guest.release()));
      }
      for (int round = 0; round < setting.rounds(); round++) {
        round(setting, guest, programs, bundles, samples);
        progress.accept("round " + (round + 1) + " of " + setting.rounds());
      }
      return recording.end(this, List.of(guest.facts()), ratios(samples));
    }
  }

  private void round(
      Setting setting,
      ScenarioGuest guest,
      Optional<HostPrograms> programs,
      List<Path> bundles,
      Samples samples) {
    measure(guest, programs, ALONE, samples);
    RunningKernel.attach(guest.domain(), setting.settings().cache().resolve("running"));
    measure(guest, programs, ATTACHED, samples);
    Patches.apply(setting, guest.name(), bundles.subList(0, 1));
    measure(guest, programs, ONE, samples);
    Patches.apply(setting, guest.name(), bundles.subList(1, bundles.size()));
    measure(guest, programs, ALL, samples);
    Patches.revert(setting, guest.name(), patches);
    measure(guest, programs, AFTER, samples);
  }

  private static void measure(
      ScenarioGuest guest, Optional<HostPrograms> programs, String state, Samples samples) {
    measure(guest, Integer.toString(BATCHES), state, samples);
    if (programs.isPresent()) {
      measure(guest, "1 compile " + programs.get().compiling(), state, samples);
      measure(guest, BATCHES + " sqlite " + programs.get().storing(), state, samples);
    }
  }

  private static void measure(
      ScenarioGuest guest, String workloads, String state, Samples samples) {
    for (String line : guest.run("workloads " + workloads).lines().toList()) {
      List<String> words = Splitter.on(' ').splitToList(line.strip());
      samples.add(words.get(0), state, UNIT, Long.parseLong(words.get(1)));
    }
  }

  /** Whatever else the host does makes a batch longer, never shorter: the least says most. */
  private static List<String> ratios(Samples samples) {
    Set<String> workloads = new LinkedHashSet<>();
    samples.series().forEach(series -> workloads.add(series.group()));
    List<String> lines = new ArrayList<>();
    for (String workload : workloads) {
      long alone = Math.max(1, samples.of(workload, ALONE).least());
      StringBuilder line = new StringBuilder(workload + ", least, of unmanaged:");
      for (String state : List.of(ATTACHED, ONE, ALL, AFTER)) {
        double ratio = (double) samples.of(workload, state).least() / alone;
        line.append(String.format(Locale.ROOT, " %s %+.1f %%;", state, 100 * (ratio - 1)));
      }
      lines.add(line + " promised: within 0.5 %");
    }
    return lines;
  }
}
