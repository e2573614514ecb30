package org.lucos.bench.scenario;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Consumer;
import org.lucos.bench.harness.Distribution;
import org.lucos.bench.harness.Recording;
import org.lucos.bench.harness.Result;
import org.lucos.bench.harness.Samples;
import org.lucos.bench.harness.Scenario;
import org.lucos.bench.harness.Setting;
import org.lucos.bench.scenario.PausedGuestSession.Sample;
import org.lucos.patcher.app.Settings;

/**
 * How long a guest stands still when a patch goes in and out, beside pauses in which nothing is
 * done: with few threads and with many, of one function and of fifty, with one vCPU and two, idle
 * and busy. Idle guests take turns, so that what else the host does meets all alike; a busy one
 * would keep the host's CPUs from the others and comes after them.
 */
public final class PauseScenario implements Scenario {
  /** Longer than any: pauses over the budget are measured rather than undone. */
  private static final Duration MAX_PAUSE = Duration.ofSeconds(1);

  private final int few;
  private final int many;
  private final List<PausedGuests> idle;
  private final List<PausedGuests> busy;

  private PauseScenario(int few, int many, List<PausedGuests> idle, List<PausedGuests> busy) {
    this.few = few;
    this.many = many;
    this.idle = List.copyOf(idle);
    this.busy = List.copyOf(busy);
  }

  /** All of it. */
  public static PauseScenario whole() {
    PausedGuests hundred = PausedGuests.idle(100);
    return new PauseScenario(
        100,
        5000,
        List.of(
            PausedGuests.idle(10),
            hundred,
            PausedGuests.idle(1000),
            PausedGuests.idle(5000),
            hundred.withOneVcpu(),
            hundred.withFiftyFunctions()),
        List.of(hundred.underLoad()));
  }

  /** Two guests that rest, with so many threads. */
  public static PauseScenario of(int few, int many) {
    return new PauseScenario(
        few, many, List.of(PausedGuests.idle(few), PausedGuests.idle(many)), List.of());
  }

  @Override
  public String name() {
    return "pause";
  }

  @Override
  public String description() {
    return String.format(
        Locale.ROOT,
        "the pause of apply and revert with %d and with %d threads%s",
        few,
        many,
        busy.isEmpty() ? "" : ", of fifty functions, with one vCPU, busy");
  }

  @Override
  public Result run(Setting setting, Consumer<String> progress) {
    Recording recording = Recording.begin(setting);
    Samples samples = recording.samples();
    List<String> guests = new ArrayList<>();
    inTurn(idle, setting, samples, guests, progress);
    inTurn(busy, setting, samples, guests, progress);
    return recording.end(this, guests, ratios(samples));
  }

  private void inTurn(
      List<PausedGuests> kinds,
      Setting setting,
      Samples samples,
      List<String> guests,
      Consumer<String> progress) {
    List<PausedGuestSession> sessions = new ArrayList<>();
    try {
      for (PausedGuests kind : kinds) {
        sessions.add(kind.boot(setting, MAX_PAUSE, progress));
      }
      sessions.forEach(guest -> guests.add(guest.facts()));
      for (int round = 0; round < setting.rounds() && !sessions.isEmpty(); round++) {
        for (PausedGuestSession guest : sessions) {
          String group = guest.label();
          samples.add(group, "empty", guest.empty());
          add(samples, group, "revert", guest.revert());
          samples.add(group, "empty", guest.empty());
          add(samples, group, "apply", guest.apply());
        }
        progress.accept("round " + (round + 1) + " of " + setting.rounds());
      }
    } finally {
      sessions.forEach(PausedGuestSession::close);
    }
  }

  private static void add(Samples samples, String group, String name, Sample sample) {
    samples.add(group, name, sample.pause());
    sample.phases().forEach((phase, micros) -> samples.add(group, name + ": " + phase, micros));
    sample.undone().forEach(micros -> samples.add(group, name + ", undone", micros));
    samples.add(group, name + ", put off", "times", sample.putOff().size());
  }

  private List<String> ratios(Samples samples) {
    List<PausedGuests> all = new ArrayList<>(idle);
    all.addAll(busy);
    List<String> lines = new ArrayList<>();
    for (String kind : List.of("apply", "revert")) {
      Distribution less = samples.of(PausedGuests.idle(few).label(), kind);
      Distribution more = samples.of(PausedGuests.idle(many).label(), kind);
      lines.add(
          String.format(
              Locale.ROOT,
              "%s: median with %d threads / with %d threads: %.2f (promised: at most 1.20)",
              kind,
              many,
              few,
              (double) more.median() / Math.max(1, less.median())));
      for (PausedGuests guest : all) {
        String group = guest.label();
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
