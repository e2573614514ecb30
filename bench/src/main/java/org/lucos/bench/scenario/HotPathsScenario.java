package org.lucos.bench.scenario;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import org.lucos.bench.harness.Recording;
import org.lucos.bench.harness.Result;
import org.lucos.bench.harness.Scenario;
import org.lucos.bench.harness.Setting;
import org.lucos.bench.micro.HotPath;
import org.lucos.bench.micro.HotPathRunner;
import org.lucos.bench.micro.HotPathSpeeds;

/**
 * What the host does often or much of, each beside what it cannot be faster than: decoding a
 * kernel's tables, page walks, reads, stacks, linking, packets. Measured with JMH on a guest that
 * nobody uses, by the compiler that the product is run with.
 */
public final class HotPathsScenario implements Scenario {
  private static final String PATCH = "uptime-shows";

  private final boolean forked;
  private final int warmups;
  private final Duration iteration;

  /** With a JVM for each path. */
  public HotPathsScenario() {
    this(true, 5, Duration.ofMillis(200));
  }

  /** With one JVM for all, and less of each. */
  public static HotPathsScenario brief() {
    return new HotPathsScenario(false, 2, Duration.ofMillis(100));
  }

  private HotPathsScenario(boolean forked, int warmups, Duration iteration) {
    this.forked = forked;
    this.warmups = warmups;
    this.iteration = iteration;
  }

  @Override
  public String name() {
    return "paths";
  }

  @Override
  public String description() {
    return "hot paths of the host: tables, page walks, reads, stacks, linking, packets";
  }

  @Override
  public Result run(Setting setting, Consumer<String> progress) {
    Recording recording = Recording.begin(setting);
    HotPathSpeeds speeds = new HotPathSpeeds(recording.samples());
    progress.accept("booting a guest");
    try (ScenarioGuest guest = ScenarioGuest.boot(setting, "paths", List.of(), Optional.empty())) {
      progress.accept("building " + PATCH + " for " + guest.release());
      Path bundle = Inputs.edit(setting, PATCH, guest.release());
      HotPathRunner runner =
          new HotPathRunner(
              new HotPathRunner.Effort(forked, warmups, setting.rounds(), iteration),
              Map.of(
                  "connection", setting.settings().connection(),
                  "guest", guest.name(),
                  "cache", Inputs.created(setting.work().resolve("paths-cache")).toString(),
                  "bundle", bundle.toString()));
      for (HotPath path : HotPath.values()) {
        progress.accept(path.label());
        runner.run(path).forEach(measured -> speeds.add(path, measured));
      }
      return recording.end(this, List.of(guest.facts()), speeds.ratios());
    }
  }
}
