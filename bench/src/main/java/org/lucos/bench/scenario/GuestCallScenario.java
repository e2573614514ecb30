package org.lucos.bench.scenario;

import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.Consumer;
import org.lucos.bench.harness.Recording;
import org.lucos.bench.harness.Result;
import org.lucos.bench.harness.Samples;
import org.lucos.bench.harness.Scenario;
import org.lucos.bench.harness.Setting;
import org.lucos.patcher.agent.AgentLink;
import org.lucos.patcher.guestcall.GuestCalls;
import org.lucos.patcher.guestcall.GuestProgram;
import org.lucos.patcher.guestcall.Nudge;
import org.lucos.patcher.kernel.RunningKernel;

/** How long a guest takes to run a kernel function for us: idle, busy, and nudged by its agent. */
public final class GuestCallScenario implements Scenario {
  private static final Duration LIMIT = Duration.ofSeconds(60);
  private static final String IDLE = "idle";
  private static final String BUSY = "busy";
  private static final String ALONE = "without the agent";
  private static final String NUDGED = "with the agent";

  @Override
  public String name() {
    return "guest-call";
  }

  @Override
  public String description() {
    return "how long a guest takes to run a function for us, with and without its agent";
  }

  @Override
  public Result run(Setting setting, Consumer<String> progress) {
    Recording recording = Recording.begin(setting);
    Samples samples = recording.samples();
    progress.accept("booting a guest with the agent");
    try (ScenarioGuest guest =
        ScenarioGuest.boot(
            setting, "guest-call", List.of("syscall_load"), Optional.of(Inputs.agent(setting)))) {
      guest.startAgent();
      RunningKernel kernel =
          RunningKernel.attach(guest.domain(), setting.settings().cache().resolve("running"));
      try (AgentLink link = Agents.link(guest.domain())) {
        rounds(setting, IDLE, kernel, link, samples, progress);
        guest.underLoad(() -> rounds(setting, BUSY, kernel, link, samples, progress));
      }
      return recording.end(this, List.of(guest.facts()), ratios(samples));
    }
  }

  private static void rounds(
      Setting setting,
      String group,
      RunningKernel kernel,
      AgentLink link,
      Samples samples,
      Consumer<String> progress) {
    for (int round = 0; round < setting.rounds(); round++) {
      samples.add(group, ALONE, call(kernel, Nudge.NONE));
      samples.add(group, NUDGED, call(kernel, nudge(link)));
      progress.accept(group + ": round " + (round + 1) + " of " + setting.rounds());
    }
  }

  private static long call(RunningKernel kernel, Nudge nudge) {
    GuestProgram.Builder program = GuestProgram.named("look at the clock");
    program.call(kernel.symbols().address("ktime_get"));
    try (GuestCalls calls = GuestCalls.open(kernel, nudge)) {
      return calls.call(program.build(), LIMIT).duration().toNanos() / 1000;
    }
  }

  private static Nudge nudge(AgentLink link) {
    return new Nudge() {
      @Override
      public OptionalInt task() {
        return OptionalInt.of(link.hello().pid());
      }

      @Override
      public void come() {
        link.nudge();
      }
    };
  }

  private static List<String> ratios(Samples samples) {
    return List.of(
        String.format(
            Locale.ROOT,
            "idle guest, medians: %.1f ms without the agent, %.1f ms with it (promised: below 50)",
            samples.of(IDLE, ALONE).median() / 1e3,
            samples.of(IDLE, NUDGED).median() / 1e3));
  }
}
