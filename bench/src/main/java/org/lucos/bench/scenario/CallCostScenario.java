package org.lucos.bench.scenario;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Consumer;
import org.lucos.bench.harness.Recording;
import org.lucos.bench.harness.Result;
import org.lucos.bench.harness.Samples;
import org.lucos.bench.harness.Scenario;
import org.lucos.bench.harness.Setting;

/**
 * What a system call costs whose function is replaced by one that does the same: by us, by the
 * guest's own livepatch, or with a kprobe on it, in turn with the function as it was. Timed, and in
 * a guest whose clock goes by instructions counted, which is exact.
 */
public final class CallCostScenario implements Scenario {
  private static final String PATCH = "livepatch-getpid";
  private static final String MODULE = "livepatch_getpid";
  private static final String GROUP = "getpid";
  private static final String UNIT = "ns/1000 calls";
  private static final String PLAIN = "unpatched";
  private static final String OURS = "lucos";
  private static final String THEIRS = "livepatch";
  private static final String PROBED = "kprobe";
  private static final String COUNT_UNIT = "instructions/1000 calls";
  private static final String COUNTED = ", instructions";

  /** Many calls, so that interrupts have their share in each batch. */
  private static final Batches TIMED = new Batches(20, 20_000, "", UNIT);

  /** Few, so that most batches have no interrupt. */
  private static final Batches EXACT = new Batches(30, 1_000, COUNTED, COUNT_UNIT);

  /** Rounds are dear, and each gives many samples. */
  private static final int ROUNDS_PER_SAMPLE = 10;

  /**
   * How to call.
   *
   * @param suffix for the names of series
   */
  private record Batches(int count, int calls, String suffix, String unit) {}

  @Override
  public String name() {
    return "call";
  }

  @Override
  public String description() {
    return "the cost of a call of a replaced function, beside the guest's own livepatch";
  }

  @Override
  public Result run(Setting setting, Consumer<String> progress) {
    Recording recording = Recording.begin(setting);
    Samples samples = recording.samples();
    List<String> programs = List.of("livepatch", "call_cost");
    List<String> guests = new ArrayList<>();
    progress.accept("booting a guest");
    try (ScenarioGuest guest =
        ScenarioGuest.bootInTurn(setting, "call", programs, Optional.empty())) {
      guests.add(guest.facts());
      int rounds = Math.max(1, setting.rounds() / ROUNDS_PER_SAMPLE);
      new InTurn(setting, guest, samples, TIMED).run(rounds, progress);
    }
    progress.accept("booting a guest whose clock counts instructions");
    try (ScenarioGuest guest = ScenarioGuest.bootCounted(setting, "count", programs)) {
      guests.add("instructions: " + guest.facts());
      new InTurn(setting, guest, samples, EXACT).run(1, progress);
    }
    return recording.end(this, guests, ratios(samples));
  }

  /** One guest in which the kinds of calls are measured, one after the other. */
  private record InTurn(Setting setting, ScenarioGuest guest, Samples samples, Batches batches) {
    void run(int rounds, Consumer<String> progress) {
      progress.accept("building " + PATCH + " for " + guest.release());
      Path bundle = Inputs.livepatch(setting, PATCH, guest.release());
      Path module = Inputs.guestLivepatch(setting, PATCH, guest.release());
      guest.write("/tmp/" + MODULE + ".ko", Inputs.read(module));
      for (int round = 0; round < rounds; round++) {
        measure(PLAIN);
        Patches.apply(setting, guest.name(), List.of(bundle));
        measure(OURS);
        Patches.revert(setting, guest.name(), List.of(PATCH));
        measure(PLAIN);
        guest.run("livepatch in /tmp/" + MODULE + ".ko " + MODULE);
        measure(THEIRS);
        guest.run("livepatch out " + MODULE);
        probed();
        progress.accept("round " + (round + 1) + " of " + rounds);
      }
    }

    private void measure(String name) {
      guest
          .numbers("call_cost " + batches.count() + " " + batches.calls())
          .forEach(took -> samples.add(GROUP, name + batches.suffix(), batches.unit(), took));
    }

    private void probed() {
      String tracing = "cd /sys/kernel/tracing; ";
      guest.run(
          tracing
              + "echo 'p:lucos_cost __x64_sys_getpid' >>kprobe_events;"
              + " echo 1 >events/kprobes/lucos_cost/enable");
      measure(PROBED);
      guest.run(
          tracing
              + "echo 0 >events/kprobes/lucos_cost/enable; echo -:lucos_cost >>kprobe_events;"
              + " echo >trace");
    }
  }

  /**
   * Whatever else the host does makes a batch longer, never shorter, and so does an interrupt: the
   * least says most.
   */
  private static List<String> ratios(Samples samples) {
    return List.of(
        costs(samples, "", "ns"),
        costs(samples, COUNTED, "instructions"),
        share(samples, "", "time"),
        share(samples, COUNTED, "instructions"));
  }

  private static String costs(Samples samples, String suffix, String unit) {
    long plain = samples.of(GROUP, PLAIN + suffix).least();
    return String.format(
        Locale.ROOT,
        "a call costs at least %.1f %s; more: lucos %.1f, livepatch %.1f, kprobe %.1f",
        plain / 1e3,
        unit,
        (samples.of(GROUP, OURS + suffix).least() - plain) / 1e3,
        (samples.of(GROUP, THEIRS + suffix).least() - plain) / 1e3,
        (samples.of(GROUP, PROBED + suffix).least() - plain) / 1e3);
  }

  private static String share(Samples samples, String suffix, String what) {
    long plain = samples.of(GROUP, PLAIN + suffix).least();
    long ours = samples.of(GROUP, OURS + suffix).least() - plain;
    long theirs = samples.of(GROUP, THEIRS + suffix).least() - plain;
    return theirs <= 0
        ? what + ": what livepatch adds is lost in the noise: more rounds are needed"
        : String.format(
            Locale.ROOT,
            "%s: what lucos adds / what livepatch adds: %.2f (promised: at most 0.20)",
            what,
            (double) ours / theirs);
  }
}
