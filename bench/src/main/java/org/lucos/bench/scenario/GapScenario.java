package org.lucos.bench.scenario;

import com.google.common.util.concurrent.Uninterruptibles;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Consumer;
import org.lucos.bench.guest.BootedGuest;
import org.lucos.bench.guest.GapWatch;
import org.lucos.bench.harness.Distribution;
import org.lucos.bench.harness.Recording;
import org.lucos.bench.harness.Result;
import org.lucos.bench.harness.Samples;
import org.lucos.bench.harness.Scenario;
import org.lucos.bench.harness.Setting;

/**
 * What a program in the guest notices of a patch that goes in or out: the longest time that a busy
 * one did not run, by the time stamp counter, around an apply and a revert, beside an empty pause
 * and nothing at all. The switch alone: the patch has been loaded before.
 */
public final class GapScenario implements Scenario {
  private static final String PATCH = "uptime-shows";
  private static final String GROUP = "longest gap";
  private static final String NOTHING = "nothing";
  private static final String EMPTY = "empty pause";
  private static final Duration MAX_PAUSE = Duration.ofSeconds(1);

  /** About as long as a switch and what is done before it. */
  private static final Duration UNDISTURBED = Duration.ofMillis(200);

  @Override
  public String name() {
    return "gap";
  }

  @Override
  public String description() {
    return "the longest time that a busy program in the guest does not run, around a patch";
  }

  @Override
  public Result run(Setting setting, Consumer<String> progress) {
    Recording recording = Recording.begin(setting);
    Samples samples = recording.samples();
    progress.accept("booting a guest");
    BootedGuest guest =
        BootedGuest.boot(
            setting.home().resolve("vm-images"),
            "lucos-bench-gap-" + ProcessHandle.current().pid(),
            setting.kernel(),
            ScenarioGuest.VCPUS,
            List.of(),
            List.of(Inputs.program(setting, "clock_gap")),
            Inputs.programs(setting));
    try (PausedGuestSession session =
        PausedGuestSession.begin(
            setting,
            guest,
            "a loop on each vCPU",
            (to, release) -> Inputs.edit(to, PATCH, release),
            MAX_PAUSE,
            booted -> {},
            progress)) {
      GapWatch watch = GapWatch.start(guest::run);
      for (int round = 0; round < setting.rounds(); round++) {
        add(samples, watch, NOTHING, () -> Uninterruptibles.sleepUninterruptibly(UNDISTURBED));
        add(samples, watch, "revert", session::revert);
        add(samples, watch, EMPTY, session::empty);
        add(samples, watch, "apply", session::apply);
        progress.accept("round " + (round + 1) + " of " + setting.rounds());
      }
      boolean stands = session.domain().facts().accelerator().equals("tcg");
      return recording.end(this, List.of(session.facts()), ratios(samples, stands));
    }
  }

  private static void add(Samples samples, GapWatch watch, String what, Runnable work) {
    samples.add(GROUP, what, watch.around(work));
  }

  private static List<String> ratios(Samples samples, boolean clockStands) {
    long usual = samples.of(GROUP, NOTHING).median();
    List<String> lines = new ArrayList<>();
    for (String what : List.of(EMPTY, "apply", "revert")) {
      Distribution gaps = samples.of(GROUP, what);
      lines.add(
          String.format(
              Locale.ROOT,
              "the longest gap around %s: median %.1f ms, most %.1f ms (around %s: %.1f)",
              what,
              gaps.median() / 1e3,
              gaps.most() / 1e3,
              NOTHING,
              usual / 1e3));
    }
    if (clockStands) {
      lines.add(
          "the guest is emulated: its counter stands still in a pause, so these are what else kept the programs from running");
    }
    return lines;
  }
}
