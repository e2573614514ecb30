package org.lucos.patcher.app;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.lucos.bridge.domain.GuestDomain;
import org.lucos.bridge.domain.GuestHost;
import org.lucos.bridge.domain.GuestTools;
import org.lucos.patcher.agent.AgentException;
import org.lucos.patcher.agent.AgentException.Kind;
import org.lucos.patcher.agent.AgentLink;
import org.lucos.patcher.app.ProbeReport.Planned;
import org.lucos.patcher.app.ProbeReport.Result;
import org.lucos.patcher.app.ProbeReport.Verdict;
import org.lucos.patcher.build.Bundle;
import org.lucos.patcher.build.PatchProbe;
import org.lucos.patcher.build.PatchProbe.When;
import org.lucos.patcher.bytes.Bytes;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The probes of an operation's patches, run by an agent in the guest in rounds: before, after, and
 * again. Each round has a conversation of its own, so that the channel is free in between. What the
 * agent does not answer is not run; only what it answers can fail. One round at a time; what has
 * come of them may be asked for meanwhile.
 */
final class PatchProbes {
  private static final Logger LOG = LoggerFactory.getLogger(PatchProbes.class);

  private static final Duration HELLO = Duration.ofSeconds(5);

  /** Until the answer comes, beyond the probe's own limit. */
  private static final Duration ON_THE_WAY = Duration.ofSeconds(5);

  private static final int BASELINE_RUNS = 3;

  private final List<Planned> all;
  private final Agent agent;
  private final Map<Planned, Integer> baselines = new HashMap<>();
  private final Map<String, Result> results = new LinkedHashMap<>();
  private final Set<String> notes = new LinkedHashSet<>();
  private String version = "";
  private Optional<Result> failure = Optional.empty();
  private volatile boolean stopped;

  /** Where the agent is found. */
  interface Agent {
    /**
     * Has a conversation.
     *
     * @throws AgentException if there is none, or it ends
     */
    void converse(Consumer<ProbeRunner> conversation);

    /** Our own in a guest; the hypervisor's where ours is not. */
    static Agent of(Settings settings, String guest) {
      return conversation -> {
        try (GuestHost host = settings.connect();
            GuestDomain domain = host.attach(guest)) {
          converse(domain, conversation);
        }
      };
    }

    private static void converse(GuestDomain domain, Consumer<ProbeRunner> conversation) {
      AgentLink link;
      try {
        link = AgentLink.open(domain, HELLO);
      } catch (AgentException e) {
        Optional<GuestTools> tools = e.kind() == Kind.ABSENT ? domain.tools() : Optional.empty();
        conversation.accept(new ToolsProbeRunner(tools.orElseThrow(() -> e)));
        return;
      }
      try (link) {
        conversation.accept(ProbeRunner.of(link, HELLO));
      }
    }

    /** None, since the operator wants it so. */
    static Agent none() {
      return conversation -> {
        throw new AgentException(Kind.ABSENT, "--no-agent");
      };
    }
  }

  PatchProbes(List<Planned> all, Agent agent) {
    this.all = List.copyOf(all);
    this.agent = agent;
  }

  static List<Planned> of(List<CheckedBundle> bundles) {
    List<Planned> all = new ArrayList<>();
    for (CheckedBundle each : bundles) {
      Bundle bundle = each.bundle();
      for (PatchProbe probe : bundle.manifest().description().probes()) {
        Optional<Bytes> program = Optional.ofNullable(bundle.programs().get(probe.program()));
        all.add(new Planned(each.name(), probe, program));
      }
    }
    return all;
  }

  /** What is said of probes that are not to be run now. */
  static ProbeReport idle(List<Planned> all, String state, String note) {
    return new ProbeReport(
        state,
        "",
        all.stream()
            .map(each -> each.result("planned", new Verdict("planned", "", 0, -1, -1, "", ""), 0))
            .toList(),
        List.of(note));
  }

  /** Before the patch: is the flaw seen, and how are the services. */
  void before() {
    round("before", having(When.BEFORE, When.ALWAYS));
  }

  /** As soon as it is applied. */
  void after() {
    round("after", having(When.AFTER, When.ALWAYS));
  }

  /** While the guest is watched. */
  void again() {
    round("soak", having(When.ALWAYS));
  }

  /** Whether there is anything to run again. */
  boolean repeats() {
    return !having(When.ALWAYS).isEmpty();
  }

  /** Begins no other probe. */
  void stop() {
    stopped = true;
  }

  /** The first one that speaks against the patch. */
  synchronized Optional<Result> failure() {
    return failure;
  }

  /** The first of those that must hold before anything is applied, and does not. */
  synchronized Optional<Result> unmet() {
    return all.stream()
        .filter(each -> each.probe().required())
        .flatMap(each -> Stream.ofNullable(results.get(key(each, "before"))))
        .filter(result -> result.verdict().equals("failed"))
        .findFirst();
  }

  /** The first that did not run. */
  synchronized Optional<Result> notRun() {
    return results.values().stream().filter(r -> r.verdict().equals("not-run")).findFirst();
  }

  synchronized void note(String note) {
    notes.add(note);
  }

  synchronized ProbeReport report() {
    String state = failure.isPresent() ? "failed" : notRun().isPresent() ? "not-run" : "passed";
    return new ProbeReport(state, version, List.copyOf(results.values()), List.copyOf(notes));
  }

  private List<Planned> having(When... when) {
    List<When> wanted = List.of(when);
    return all.stream().filter(each -> wanted.contains(each.probe().when())).toList();
  }

  private void round(String moment, List<Planned> probes) {
    if (probes.isEmpty()) {
      return;
    }
    Deque<Planned> left = new ArrayDeque<>(probes);
    String lost;
    try {
      agent.converse(
          runner -> {
            same(runner.name());
            for (Planned next = left.peek(); next != null && !isOver(); next = left.peek()) {
              add(moment, next, run(moment, next, runner));
              left.remove();
            }
          });
      return;
    } catch (AgentException e) {
      lost = (e.kind() == Kind.ABSENT ? "no agent: " : "the agent is lost: ") + e.getMessage();
    } catch (RuntimeException e) { // of the hypervisor: whoever watches the guest meets it too
      LOG.warn("no conversation with the guest's agent", e);
      lost = "no agent: " + Failures.describe(e);
    }
    for (Planned each : left) {
      add(moment, each, Verdict.notRun(lost));
    }
    note("probe not run: " + lost);
  }

  private static String key(Planned planned, String moment) {
    return moment + " " + planned.probe().name() + " " + planned.patch();
  }

  private boolean isOver() {
    return stopped || failure().isPresent();
  }

  /** What one agent took for a probe says nothing of what another one takes. */
  private synchronized void same(String name) {
    if (!version.isEmpty() && !version.equals(name)) {
      throw new AgentException(
          Kind.ABSENT, "'" + version + "' ran the probes before, now there is '" + name + "'");
    }
    version = name;
  }

  private Verdict run(String moment, Planned planned, ProbeRunner runner) {
    PatchProbe probe = planned.probe();
    if (moment.equals("before")) {
      return baseline(planned, runner);
    }
    if (probe.when() == When.AFTER) {
      return ask(planned, -1, runner);
    }
    Integer baseline = baselines.get(planned);
    if (baseline == null) {
      return Verdict.notRun("it was not seen to hold before the patch");
    }
    Verdict verdict = ask(planned, baseline, runner);
    boolean once = verdict.isFailed() && verdict.outcome().matches("passed|exited");
    if (once && ProbeJudge.isSlow(probe, verdict.milliseconds(), baseline)) {
      return ask(planned, baseline, runner); // once may be chance
    }
    return verdict;
  }

  private Verdict baseline(Planned planned, ProbeRunner runner) {
    PatchProbe probe = planned.probe();
    int runs = probe.slowdown() > 0 ? BASELINE_RUNS : 1;
    int longest = -1;
    Verdict verdict = ask(planned, -1, runner);
    for (int i = 1; verdict.isPassed() && i < runs; i++) {
      longest = Math.max(longest, verdict.milliseconds());
      verdict = ask(planned, -1, runner);
    }
    if (verdict.isPassed()) {
      baselines.put(planned, Math.max(longest, verdict.milliseconds()));
    } else if (verdict.isFailed()) {
      note(
          "before the patch, "
              + planned.result("before", verdict, 1)
              + (probe.when() == When.ALWAYS ? " (so it says nothing of the patch)" : ""));
    }
    return verdict;
  }

  /** Only an agent that is lost throws. */
  private static Verdict ask(Planned planned, int baseline, ProbeRunner runner) {
    PatchProbe probe = planned.probe();
    try {
      return ProbeJudge.judge(probe, runner.run(planned, ON_THE_WAY), baseline);
    } catch (AgentException e) {
      if (e.kind() == Kind.UNWILLING) {
        return Verdict.notRun(String.valueOf(e.getMessage()));
      }
      if (e.kind() != Kind.SILENT) {
        throw e;
      }
      runner.ping(); // is it the agent that is silent, or the probe
      return new Verdict(
          "failed",
          "",
          0,
          -1,
          baseline,
          "it neither ends nor can be ended within "
              + probe.limitMilliseconds()
              + " ms, while the agent answers",
          "");
    }
  }

  private synchronized void add(String moment, Planned planned, Verdict verdict) {
    Result before = results.get(key(planned, moment));
    int runs = (before == null ? 0 : before.runs()) + (verdict.state().equals("not-run") ? 0 : 1);
    Result result = planned.result(moment, verdict, runs);
    results.put(key(planned, moment), result);
    if (verdict.isFailed() && !moment.equals("before") && failure.isEmpty()) {
      failure = Optional.of(result);
    }
  }
}
