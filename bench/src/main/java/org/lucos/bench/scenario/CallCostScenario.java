package org.lucos.bench.scenario;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
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
 * guest's own livepatch, or with a kprobe on it, in turn with the function as it was.
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
  private static final int BATCHES = 20;
  private static final int CALLS = 20_000;

  /** Rounds are dear, and each gives {@link #BATCHES} samples. */
  private static final int ROUNDS_PER_SAMPLE = 10;

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
    progress.accept("booting a guest");
    try (ScenarioGuest guest =
        ScenarioGuest.boot(setting, "call", List.of("livepatch", "call_cost"), Optional.empty())) {
      progress.accept("building " + PATCH + " for " + guest.release());
      Path bundle = Inputs.livepatch(setting, PATCH, guest.release());
      Path module = Inputs.guestLivepatch(setting, PATCH, guest.release());
      guest.write("/tmp/" + MODULE + ".ko", read(module));
      int rounds = Math.max(1, setting.rounds() / ROUNDS_PER_SAMPLE);
      for (int round = 0; round < rounds; round++) {
        measure(guest, PLAIN, samples);
        ours(setting, guest, bundle, samples);
        measure(guest, PLAIN, samples);
        guest.run("livepatch in /tmp/" + MODULE + ".ko " + MODULE);
        measure(guest, THEIRS, samples);
        guest.run("livepatch out " + MODULE);
        probed(guest, samples);
        progress.accept("round " + (round + 1) + " of " + rounds);
      }
      return recording.end(this, List.of(guest.facts()), ratios(samples));
    }
  }

  private static byte[] read(Path file) {
    try {
      return Files.readAllBytes(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void measure(ScenarioGuest guest, String name, Samples samples) {
    guest
        .numbers("call_cost " + BATCHES + " " + CALLS)
        .forEach(nanos -> samples.add(GROUP, name, UNIT, nanos));
  }

  private static void ours(Setting setting, ScenarioGuest guest, Path bundle, Samples samples) {
    Patches.apply(setting, guest.name(), List.of(bundle));
    measure(guest, OURS, samples);
    Patches.revert(setting, guest.name(), List.of(PATCH));
  }

  private static void probed(ScenarioGuest guest, Samples samples) {
    String tracing = "cd /sys/kernel/tracing; ";
    guest.run(
        tracing
            + "echo 'p:lucos_cost __x64_sys_getpid' >>kprobe_events;"
            + " echo 1 >events/kprobes/lucos_cost/enable");
    measure(guest, PROBED, samples);
    guest.run(
        tracing
            + "echo 0 >events/kprobes/lucos_cost/enable; echo -:lucos_cost >>kprobe_events;"
            + " echo >trace");
  }

  /** Whatever else the host does makes a batch longer, never shorter: the least says most. */
  private static List<String> ratios(Samples samples) {
    long plain = samples.of(GROUP, PLAIN).least();
    long ours = samples.of(GROUP, OURS).least() - plain;
    long theirs = samples.of(GROUP, THEIRS).least() - plain;
    return List.of(
        String.format(
            Locale.ROOT,
            "a call costs at least %.1f ns; more: lucos %.1f ns, livepatch %.1f ns, kprobe %.1f ns",
            plain / 1e3,
            ours / 1e3,
            theirs / 1e3,
            (samples.of(GROUP, PROBED).least() - plain) / 1e3),
        theirs <= 0
            ? "what livepatch adds is lost in the noise: more rounds are needed"
            : String.format(
                Locale.ROOT,
                "what lucos adds / what livepatch adds: %.2f (promised: at most 0.20)",
                (double) ours / theirs));
  }
}
