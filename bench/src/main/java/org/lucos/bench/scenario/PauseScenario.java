package org.lucos.bench.scenario;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Consumer;
import org.lucos.bench.guest.BootedGuest;
import org.lucos.bench.harness.Distribution;
import org.lucos.bench.harness.Recording;
import org.lucos.bench.harness.Result;
import org.lucos.bench.harness.Samples;
import org.lucos.bench.harness.Scenario;
import org.lucos.bench.harness.Setting;
import org.lucos.bench.scenario.PausedGuestSession.Sample;
import org.lucos.patcher.app.Settings;

/**
 * How long a guest stands still when a patch of one function goes in and out, with few threads and
 * with many, beside pauses in which nothing is done. Two guests take turns, so that what else the
 * host does meets both alike.
 */
public final class PauseScenario implements Scenario {
  private static final int VCPUS = 2;

  private final int few;
  private final int many;
  private final Duration maxPause;

  /** With 100 and 5,000 threads; pauses over the budget are measured rather than undone. */
  public PauseScenario() {
    this(100, 5000, Duration.ofSeconds(1));
  }

  /**
   * With other numbers.
   *
   * @param maxPause as {@code --max-pause}
   */
  public PauseScenario(int few, int many, Duration maxPause) {
    this.few = few;
    this.many = many;
    this.maxPause = maxPause;
  }

  @Override
  public String name() {
    return "pause";
  }

  @Override
  public String description() {
    return String.format(
        Locale.ROOT, "the pause of apply and revert with %d and with %d threads", few, many);
  }

  @Override
  public Result run(Setting setting, Consumer<String> progress) {
    Recording recording = Recording.begin(setting);
    Samples samples = recording.samples();
    List<String> guests = new ArrayList<>();
    try (PausedGuestSession first = session(setting, few, progress);
        PausedGuestSession second = session(setting, many, progress)) {
      guests.add(first.facts());
      guests.add(second.facts());
      for (int round = 0; round < setting.rounds(); round++) {
        for (PausedGuestSession guest : List.of(first, second)) {
          String group = guest.label();
          samples.add(group, "empty", guest.empty());
          add(samples, group, "revert", guest.revert());
          samples.add(group, "empty", guest.empty());
          add(samples, group, "apply", guest.apply());
        }
        progress.accept("round " + (round + 1) + " of " + setting.rounds());
      }
    }
    return recording.end(this, guests, ratios(samples));
  }

  private static void add(Samples samples, String group, String name, Sample sample) {
    samples.add(group, name, sample.pause());
    sample.phases().forEach((phase, micros) -> samples.add(group, name + ": " + phase, micros));
    sample.undone().forEach(micros -> samples.add(group, name + ", undone", micros));
    samples.add(group, name + ", put off", "times", sample.putOff().size());
  }

  private PausedGuestSession session(Setting setting, int threads, Consumer<String> progress) {
    progress.accept("booting a guest for " + threads + " threads");
    Path images = setting.home().resolve("vm-images");
    BootedGuest guest =
        BootedGuest.boot(
            images,
            "lucos-bench-" + threads + "-" + ProcessHandle.current().pid(),
            setting.kernel(),
            VCPUS,
            List.of(),
            List.of(images.resolve("programs/threads.c")),
            Inputs.programs(setting));
    return PausedGuestSession.begin(
        setting,
        guest,
        threads + " threads",
        maxPause,
        booted -> {
          booted.run("ulimit -u unlimited; threads " + threads + " >/tmp/threads 2>&1 &");
          booted.run("while ! grep -q ready /tmp/threads; do sleep 1; done");
        },
        progress);
  }

  private List<String> ratios(Samples samples) {
    List<String> lines = new ArrayList<>();
    for (String kind : List.of("apply", "revert")) {
      Distribution less = samples.of(few + " threads", kind);
      Distribution more = samples.of(many + " threads", kind);
      lines.add(
          String.format(
              Locale.ROOT,
              "%s: median with %d threads / with %d threads: %.2f (promised: at most 1.20)",
              kind,
              many,
              few,
              (double) more.median() / Math.max(1, less.median())));
      for (int threads : List.of(few, many)) {
        String group = threads + " threads";
        Distribution of = samples.of(group, kind);
        lines.add(
            String.format(
                Locale.ROOT,
                "%s, %s: median above that of an empty pause: %d us (promised: at most 1000);"
                    + " p99 %d us of %d us allowed; %d pauses undone",
                kind,
                group,
                of.median() - samples.of(group, "empty").median(),
                of.p99(),
                Settings.MAX_PAUSE.toNanos() / 1000,
                samples.of(group, kind + ", undone").count()));
      }
    }
    return lines;
  }
}
