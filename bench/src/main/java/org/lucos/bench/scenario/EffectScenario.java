package org.lucos.bench.scenario;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import org.lucos.bench.harness.Distribution;
import org.lucos.bench.harness.Recording;
import org.lucos.bench.harness.Result;
import org.lucos.bench.harness.Samples;
import org.lucos.bench.harness.Scenario;
import org.lucos.bench.harness.Setting;
import org.lucos.patcher.app.ApplyPatch;
import org.lucos.patcher.app.Progress;
import org.lucos.patcher.app.Report;
import org.lucos.patcher.app.RevertPatch;
import org.lucos.patcher.app.SwitchLimits;
import org.lucos.patcher.build.Command;
import org.lucos.patcher.build.CommandOutcome;
import org.lucos.patcher.build.ProcessCommands;

/**
 * From the request to the moment from which only new code is run, beside the guest's own livepatch
 * with the same source, in the same guest, in turn. The latter is timed inside the guest, from the
 * loading of its module to the end of its transition; what brings the module there is left out.
 */
public final class EffectScenario implements Scenario {
  /** A call that never lasts. */
  private static final String SHORT_CALL = "livepatch-getpid";

  /** A call in which a task sleeps as long as it lives. */
  private static final String LONG_CALL = "livepatch-pause";

  /** The kernel wakes who sleeps in old code after 15 s, both ways. */
  private static final int MOST_ASLEEP = 3;

  private static final String ASLEEP = "asleep inside";
  private static final Duration PATIENCE = Duration.ofSeconds(60);
  private static final int COLD_EVERY = 5;
  private static final String WARM = "lucos";
  private static final String AIDED = "lucos, agent";
  private static final String COLD = "lucos, new process, whole";
  private static final String THEIRS = "livepatch";
  private static final String THEIRS_OUT = "livepatch, disable";

  @Override
  public String name() {
    return "effect";
  }

  @Override
  public String description() {
    return "from the request to the effect, beside the guest's own livepatch; idle and busy";
  }

  @Override
  public Result run(Setting setting, Consumer<String> progress) {
    Recording recording = Recording.begin(setting);
    Samples samples = recording.samples();
    progress.accept("booting a guest");
    try (ScenarioGuest guest =
        ScenarioGuest.bootInTurn(
            setting,
            "effect",
            List.of("livepatch", "syscall_load", "threads"),
            Optional.of(Inputs.agent(setting)))) {
      guest.startAgent();
      Replacement shortCall = Replacement.of(SHORT_CALL, setting, guest, progress);
      rounds(setting, "idle", guest, shortCall, samples, progress);
      guest.underLoad(() -> rounds(setting, "busy", guest, shortCall, samples, progress));
      asleep(
          setting, guest, Replacement.of(LONG_CALL, setting, guest, progress), samples, progress);
      return recording.end(this, List.of(guest.facts()), ratios(samples));
    }
  }

  /**
   * A function and what does the same instead of it, as a bundle and as a module of livepatch's.
   */
  private record Replacement(String name, Path bundle) {
    static Replacement of(
        String name, Setting setting, ScenarioGuest guest, Consumer<String> progress) {
      progress.accept("building " + name + " for " + guest.release());
      Replacement made = new Replacement(name, Inputs.livepatch(setting, name, guest.release()));
      guest.write(made.file(), Inputs.read(Inputs.guestLivepatch(setting, name, guest.release())));
      return made;
    }

    String module() {
      return name.replace('-', '_');
    }

    String file() {
      return "/tmp/" + module() + ".ko";
    }
  }

  /** While two tasks sleep in the function, and do so again as soon as they were woken. */
  private static void asleep(
      Setting setting,
      ScenarioGuest guest,
      Replacement call,
      Samples samples,
      Consumer<String> progress) {
    guest.run(
        "threads 1 >/tmp/threads 2>&1 & until grep -q ready /tmp/threads; do sleep 0.1; done");
    int rounds = Math.min(MOST_ASLEEP, setting.rounds());
    for (int round = 0; round < rounds; round++) {
      ours(setting, guest, call, ASLEEP, true, samples);
      theirs(guest, call, ASLEEP, samples);
      progress.accept(ASLEEP + ": round " + (round + 1) + " of " + rounds);
    }
  }

  private static void rounds(
      Setting setting,
      String group,
      ScenarioGuest guest,
      Replacement call,
      Samples samples,
      Consumer<String> progress) {
    ours(setting, guest, call, group, true, new Samples()); // warms up
    for (int round = 0; round < setting.rounds(); round++) {
      ours(setting, guest, call, group, false, samples);
      theirs(guest, call, group, samples);
      ours(setting, guest, call, group, true, samples);
      theirs(guest, call, group, samples);
      if (round % COLD_EVERY == 0) {
        cold(setting, guest, call, group, samples);
      }
      progress.accept(group + ": round " + (round + 1) + " of " + setting.rounds());
    }
  }

  private static void ours(
      Setting setting,
      ScenarioGuest guest,
      Replacement call,
      String group,
      boolean agent,
      Samples samples) {
    String name = agent ? AIDED : WARM;
    SwitchLimits limits = agent ? Patches.LIMITS : Patches.LIMITS.withoutAgent();
    long start = System.nanoTime();
    ApplyPatch.Outcome applied =
        new ApplyPatch(setting.settings())
            .run(Patches.request(guest.name(), List.of(call.bundle()), limits), Progress.SILENT);
    samples.add(group, name + ", whole command", since(start));
    samples.add(group, name, until("switch", applied.phases()));
    applied
        .phases()
        .forEach(
            phase ->
                samples.add(
                    group, name + ": " + phase.phase(), Math.round(phase.milliseconds() * 1000)));
    RevertPatch.Outcome reverted =
        new RevertPatch(setting.settings())
            .run(
                new RevertPatch.Request(guest.name(), List.of(call.name()), limits),
                Progress.SILENT);
    samples.add(group, name + ", revert", until("restore functions", reverted.phases()));
  }

  /** From the request to the end of a phase, which ends with the pause. */
  private static long until(String last, List<Report.Phase> phases) {
    double millis = 0;
    for (Report.Phase phase : phases) {
      millis += phase.milliseconds();
      if (phase.phase().equals(last)) {
        return Math.round(millis * 1000);
      }
    }
    throw new IllegalStateException(last + " is not among " + phases);
  }

  private static void theirs(ScenarioGuest guest, Replacement call, String group, Samples samples) {
    samples.add(
        group, THEIRS, guest.numbers("livepatch in " + call.file() + " " + call.module()).get(0));
    samples.add(group, THEIRS_OUT, guest.numbers("livepatch out " + call.module()).get(0));
  }

  /** As from a shell: a process that has to find out everything, but what is kept of this guest. */
  private static void cold(
      Setting setting, ScenarioGuest guest, Replacement call, String group, Samples samples) {
    long start = System.nanoTime();
    lucos(setting, "apply", guest.name(), call.bundle().toString(), "--allow-unsigned");
    samples.add(group, COLD, since(start));
    lucos(setting, "revert", guest.name(), call.name());
  }

  private static void lucos(Setting setting, String... arguments) {
    List<String> argv = new ArrayList<>(List.of(setting.home().resolve("lucos").toString()));
    argv.addAll(List.of(arguments));
    argv.addAll(List.of("--max-pause", "1s", "--json"));
    Map<String, String> environment = new HashMap<>(Command.of(argv).environment());
    environment.put("LUCOS_STATE", setting.settings().state().toString());
    environment.put("LUCOS_LOCKS", setting.settings().locks().toString());
    CommandOutcome outcome =
        new ProcessCommands()
            .run(new Command(argv, Optional.empty(), environment, Optional.empty(), PATIENCE));
    if (!outcome.succeeded()) {
      throw new IllegalStateException(String.join(" ", argv) + ": " + outcome.tail(5));
    }
  }

  private static long since(long start) {
    return (System.nanoTime() - start) / 1000;
  }

  private static List<String> ratios(Samples samples) {
    List<String> lines = new ArrayList<>();
    for (String group : List.of("idle", "busy")) {
      lines.add(ratio(samples, group, WARM));
      lines.add(ratio(samples, group, AIDED));
    }
    lines.add(ratio(samples, ASLEEP, AIDED));
    return lines;
  }

  private static String ratio(Samples samples, String group, String name) {
    Distribution theirs = samples.of(group, THEIRS);
    Distribution ours = samples.of(group, name);
    return String.format(
        Locale.ROOT,
        "%s, livepatch / %s: medians %.1f (promised: at least 10), most %.1f",
        group,
        name,
        (double) theirs.median() / Math.max(1, ours.median()),
        (double) theirs.most() / Math.max(1, ours.most()));
  }
}
