package org.lucos.bench.scenario;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Consumer;
import org.lucos.bench.guest.BootedGuest;
import org.lucos.bench.harness.Distribution;
import org.lucos.bench.harness.Recording;
import org.lucos.bench.harness.Result;
import org.lucos.bench.harness.Samples;
import org.lucos.bench.harness.Scenario;
import org.lucos.bench.harness.Setting;
import org.lucos.patcher.agent.AgentLink;
import org.lucos.patcher.agent.AgentRequest;

/**
 * What the clients of a service in the guest notice of a patch: the time from when a question was
 * due to its answer, around an apply and a revert, beside an empty pause and nothing at all. The
 * service is the guest's agent, asked from the host for a sign of life: a clock in the guest would
 * not do, since it stands still with the guest where the hypervisor makes it.
 */
public final class ServiceScenario implements Scenario {
  private static final String PATCH = "uptime-shows";
  private static final String GROUP = "answers";
  private static final String NOTHING = "nothing";
  private static final Duration INTERVAL = Duration.ofMillis(10);
  private static final Duration MARGIN = Duration.ofMillis(200);
  private static final Duration LIMIT = Duration.ofSeconds(30);

  @Override
  public String name() {
    return "service";
  }

  @Override
  public String description() {
    return "the time to the answers of a service in the guest, around a patch";
  }

  @Override
  public Result run(Setting setting, Consumer<String> progress) {
    Recording recording = Recording.begin(setting);
    Samples samples = recording.samples();
    try (PausedGuestSession guest = session(setting, progress);
        AgentLink link = Agents.link(guest.domain());
        OpenLoop service = new OpenLoop(() -> link.ask(new AgentRequest.Ping(), LIMIT), INTERVAL)) {
      for (int round = 0; round < setting.rounds(); round++) {
        add(samples, NOTHING, service.around(MARGIN, () -> {}));
        add(samples, "revert", service.around(MARGIN, guest::revert));
        add(samples, "empty pause", service.around(MARGIN, guest::empty));
        add(samples, "apply", service.around(MARGIN, guest::apply));
        progress.accept("round " + (round + 1) + " of " + setting.rounds());
      }
      return recording.end(this, List.of(guest.facts()), ratios(samples));
    }
  }

  private static void add(Samples samples, String what, List<Long> latencies) {
    latencies.forEach(micros -> samples.add(GROUP, what, micros));
    latencies.stream()
        .max(Long::compare)
        .ifPresent(longest -> samples.add(GROUP, what + ", longest", longest));
  }

  private static PausedGuestSession session(Setting setting, Consumer<String> progress) {
    progress.accept("booting a guest with the agent");
    BootedGuest guest =
        BootedGuest.boot(
            setting.home().resolve("vm-images"),
            "lucos-bench-service-" + ProcessHandle.current().pid(),
            List.of(),
            setting.kernel(),
            ScenarioGuest.VCPUS,
            List.of(),
            List.of(),
            Inputs.programs(setting),
            Optional.of(Inputs.agent(setting)));
    return PausedGuestSession.begin(
        setting,
        guest,
        "the agent answers",
        (to, release) -> Inputs.edit(to, PATCH, release),
        LIMIT,
        BootedGuest::startAgent,
        progress);
  }

  private static List<String> ratios(Samples samples) {
    Distribution undisturbed = samples.of(GROUP, NOTHING);
    long usual = samples.of(GROUP, NOTHING + ", longest").median();
    List<String> lines = new ArrayList<>();
    for (String what : List.of("empty pause", "apply", "revert")) {
      Distribution answers = samples.of(GROUP, what);
      lines.add(
          String.format(
              Locale.ROOT,
              "answers around %s: p99 %.1f ms (of %s: %.1f); the longest each time, median %.1f ms (of %s: %.1f)",
              what,
              answers.p99() / 1e3,
              NOTHING,
              undisturbed.p99() / 1e3,
              samples.of(GROUP, what + ", longest").median() / 1e3,
              NOTHING,
              usual / 1e3));
    }
    return lines;
  }
}
