package org.lucos.patcher.app;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.lucos.bridge.domain.GuestChannel;
import org.lucos.patcher.agent.AgentAnswer;
import org.lucos.patcher.agent.AgentException;
import org.lucos.patcher.agent.AgentLink;
import org.lucos.patcher.build.PatchProbe;
import org.lucos.patcher.build.PatchProbe.Check;
import org.lucos.patcher.build.PatchProbe.When;

class PatchProbesTest {
  private static final PatchProbe FLAW = script("flaw", When.BEFORE, 0);
  private static final PatchProbe GONE = script("gone", When.AFTER, 0);
  private static final PatchProbe WELL = script("well", When.ALWAYS, 3);

  /** An agent that answers probes as it is told to, by the text of the script. */
  private static final class Wire implements GuestChannel {
    private static final Pattern ASKED =
        Pattern.compile("\\{\"id\":(\\d+),\"do\":\"(\\w+)\"(?:.*\"-c\",\"(\\w+)\")?.*", 32);
    private final Function<String, String> jobs;
    private final StringBuilder coming = new StringBuilder();

    Wire(Function<String, String> jobs) {
      this.jobs = jobs;
    }

    @Override
    public void send(byte[] bytes, Duration limit) {
      Matcher asked = ASKED.matcher(new String(bytes, StandardCharsets.UTF_8));
      if (asked.matches()) {
        String answer =
            switch (asked.group(2)) {
              case "hello" ->
                  "\"ok\":{\"protocol\":1,\"agent\":\"test\",\"pid\":9,\"capabilities\":[]}";
              case "ping" -> "\"ok\":{}";
              default -> jobs.apply(asked.group(3));
            };
        coming.append("{\"id\":").append(asked.group(1)).append(',').append(answer).append("}\n");
      }
    }

    @Override
    public int receive(byte[] into, Duration limit) throws IOException {
      if (coming.isEmpty()) {
        throw new IOException("gone");
      }
      byte[] next = coming.toString().getBytes(StandardCharsets.UTF_8);
      int count = Math.min(next.length, into.length);
      System.arraycopy(next, 0, into, 0, count);
      coming.delete(0, count);
      return count;
    }

    @Override
    public void close() {}
  }

  private static PatchProbe script(String name, When when, int slowdown) {
    return new PatchProbe(
        name, when, Check.SCRIPT, List.of(name), 1000, 0, "", slowdown, false, "meaning");
  }

  private static String job(String outcome, int code, int milliseconds, String output) {
    return String.format(
        "\"ok\":{\"passed\":true,\"outcome\":\"%s\",\"code\":%d,\"milliseconds\":%d,\"output\":\"%s\"}",
        outcome, code, milliseconds, output);
  }

  private static PatchProbes probes(Function<String, String> jobs, PatchProbe... probes) {
    List<ProbeReport.Planned> planned = new ArrayList<>();
    for (PatchProbe each : probes) {
      planned.add(new ProbeReport.Planned("fix", each));
    }
    return new PatchProbes(
        planned,
        conversation -> {
          try (AgentLink link = AgentLink.open(new Wire(jobs), Duration.ofSeconds(60))) {
            conversation.accept(ProbeRunner.of(link, Duration.ofSeconds(60)));
          }
        });
  }

  private static List<String> told(PatchProbes probes) {
    return probes.report().results().stream()
        .map(r -> r.moment() + " " + r.probe() + " " + r.verdict() + " " + r.runs())
        .toList();
  }

  @Test
  void eachRunsAtItsMoment() {
    PatchProbes probes = probes(name -> job("exited", 0, 5, ""), FLAW, GONE, WELL);
    probes.before();
    probes.after();
    probes.again();
    probes.again();
    assertThat(told(probes))
        .containsExactly(
            "before flaw passed 1",
            "before well passed 1",
            "after gone passed 1",
            "after well passed 1",
            "soak well passed 2");
    assertThat(probes.report().state()).isEqualTo("passed");
    assertThat(probes.report().agent()).isEqualTo("test");
    assertThat(probes.failure()).isEmpty();
  }

  @Test
  void firstFailureSpeaksAgainstThePatchAndEndsTheRound() {
    PatchProbes probes =
        probes(name -> job("exited", name.equals("gone") ? 3 : 0, 5, "sorry"), GONE, WELL);
    probes.before();
    probes.after();
    assertThat(told(probes)).containsExactly("before well passed 1", "after gone failed 1");
    assertThat(probes.failure().orElseThrow())
        .hasToString(
            "probe 'gone' (after, script) failed: exit code 3, expected 0, it says 'sorry'; it"
                + " means: meaning");
    assertThat(probes.failure().orElseThrow().evidence().evidence()).containsExactly("sorry");
    assertThat(probes.report().state()).isEqualTo("failed");
  }

  @Test
  void slowIsWhatIsSlowTwiceAgainstTheLongestOfTheBaseline() {
    int[] times = {10, 100, 20, /* after: once */ 301, 299, /* again: twice */ 301, 301};
    int[] at = {0};
    PatchProbes probes = probes(name -> job("exited", 0, times[at[0]++], ""), WELL);
    probes.before();
    probes.after();
    assertThat(probes.failure()).isEmpty();
    probes.again();
    assertThat(probes.failure().orElseThrow().why())
        .isEqualTo("it took 301 ms, before the patch at most 100 ms, and may take 3 times as long");
    assertThat(at[0]).isEqualTo(times.length);
  }

  @Test
  void shortTimesAreNeverSlow() {
    assertThat(ProbeJudge.isSlow(WELL, 3 * ProbeJudge.NEVER_SLOW, 0)).isFalse();
    assertThat(ProbeJudge.isSlow(WELL, 3 * ProbeJudge.NEVER_SLOW + 1, 0)).isTrue();
    assertThat(ProbeJudge.isSlow(WELL, Integer.MAX_VALUE, -1)).isFalse();
  }

  @Test
  void serviceThatWasIllBeforeSaysNothingOfThePatch() {
    PatchProbes probes = probes(name -> job("signalled", 9, 5, ""), FLAW, WELL);
    probes.before();
    assertThat(probes.report().notes()).hasSize(2);
    assertThat(probes.unmet()).isEmpty();
    probes.after();
    assertThat(probes.failure()).isEmpty();
    assertThat(told(probes).get(2)).isEqualTo("after well not-run 0");
  }

  @Test
  void requiredOnesAreUnmetOnlyIfTheyFail() {
    PatchProbe required =
        new PatchProbe("flaw", When.BEFORE, Check.SCRIPT, List.of("flaw"), 9, 0, "", 0, true, "");
    PatchProbes failing = probes(name -> job("exited", 10, 5, ""), required);
    failing.before();
    assertThat(failing.unmet()).isPresent();
    PatchProbes unwilling =
        probes(name -> "\"error\":{\"code\":\"forbidden\",\"text\":\"no\"}", required);
    unwilling.before();
    assertThat(unwilling.unmet()).isEmpty();
    assertThat(unwilling.notRun().orElseThrow().why()).contains("forbidden");
  }

  @Test
  void agentThatEndsOrTalksNonsenseFailsNothing() {
    for (String answer :
        List.of(
            "\"ok\":{}",
            "\"ok\":{\"passed\":false}",
            job("refused", 11, 0, ""),
            job("exited", 0, -1, ""),
            job("exited", 0, 1, "\\u001b"))) {
      PatchProbes probes =
          probes(name -> name.equals("gone") ? answer : job("exited", 0, 1, ""), GONE);
      probes.before();
      probes.after();
      assertThat(told(probes)).as(answer).containsExactly("after gone not-run 0");
      assertThat(probes.failure()).isEmpty();
      assertThat(probes.report().state()).isEqualTo("not-run");
    }
  }

  @Test
  void withoutAnAgentNothingFails() {
    List<ProbeReport.Planned> planned =
        List.of(new ProbeReport.Planned("fix", GONE), new ProbeReport.Planned("fix", WELL));
    PatchProbes broken =
        new PatchProbes(
            planned,
            conversation -> {
              throw new IllegalStateException("no hypervisor");
            });
    broken.after();
    assertThat(broken.failure()).isEmpty();
    assertThat(broken.report().state()).isEqualTo("not-run");
    PatchProbes probes =
        new PatchProbes(
            planned,
            conversation -> {
              throw new AgentException(AgentException.Kind.ABSENT, "nobody");
            });
    probes.before();
    probes.after();
    assertThat(probes.failure()).isEmpty();
    assertThat(probes.report().notes()).containsExactly("probe not run: no agent: nobody");
    assertThat(told(probes))
        .containsExactly("before well not-run 0", "after gone not-run 0", "after well not-run 0");
  }

  @Test
  void programThatCannotTellHasNotRun() {
    PatchProbe probe =
        new PatchProbe(
            "p",
            When.AFTER,
            PatchProbe.Check.PROGRAM,
            List.of("look"),
            1000,
            0,
            "",
            0,
            false,
            "",
            "ab".repeat(32));
    AgentAnswer.Job job = new AgentAnswer.Job(false, "exited", 20, 5, "CANNOT TELL: socket\n");
    assertThat(ProbeJudge.judge(probe, job, -1))
        .returns("not-run", ProbeReport.Verdict::state)
        .returns("it cannot tell, it says 'CANNOT TELL: socket'", ProbeReport.Verdict::why);
    AgentAnswer.Job flawed = new AgentAnswer.Job(false, "exited", 10, 5, "FLAWED\n");
    assertThat(ProbeJudge.judge(probe, flawed, -1).isFailed()).isTrue();
  }

  @Test
  void anotherAgentThanBeforeRunsNothing() {
    List<String> names = new ArrayList<>(List.of("one", "other"));
    PatchProbes probes =
        new PatchProbes(
            List.of(new ProbeReport.Planned("fix", WELL)),
            conversation -> conversation.accept(new Passing(names.remove(0))));
    probes.before();
    probes.after();
    assertThat(told(probes)).containsExactly("before well passed 1", "after well not-run 0");
    assertThat(probes.failure()).isEmpty();
    assertThat(probes.report().notes())
        .containsExactly(
            "probe not run: no agent: 'one' ran the probes before, now there is 'other'");
  }

  private record Passing(String name) implements ProbeRunner {
    @Override
    public AgentAnswer.Job run(ProbeReport.Planned planned, Duration beyond) {
      return answer("exited", 0, "");
    }

    @Override
    public void ping() {}
  }

  @Test
  void verdictsGoByTheOutcome() {
    PatchProbe prints =
        new PatchProbe(
            "p", When.AFTER, Check.COMMAND, List.of("/bin/a"), 9, 7, "fixed", 0, false, "");
    assertThat(state(prints, "exited", 7, "it is fixed")).isEqualTo("passed");
    assertThat(state(prints, "exited", 7, "it is not")).isEqualTo("failed");
    assertThat(state(prints, "exited", 0, "it is fixed")).isEqualTo("failed");
    assertThat(state(prints, "timed-out", 9, "it is fixed")).isEqualTo("failed");
    assertThat(state(prints, "signalled", 7, "it is fixed")).isEqualTo("failed");
    assertThat(state(prints, "refused", 7, "it is fixed")).isEqualTo("not-run");
    PatchProbe port =
        new PatchProbe("p", When.AFTER, Check.TCP, List.of("::1", "22"), 9, 0, "", 0, false, "");
    assertThat(state(port, "passed", 0, "")).isEqualTo("passed");
    assertThat(state(port, "failed", 111, "")).isEqualTo("failed");
    PatchProbe service =
        new PatchProbe("p", When.AFTER, Check.SERVICE, List.of("ssh"), 9, 0, "", 0, false, "");
    assertThat(state(service, "exited", 0, "active")).isEqualTo("passed");
    assertThat(ProbeJudge.judge(service, answer("exited", 3, "inactive"), -1).why())
        .contains("exit code 3", "it says 'inactive'");
    assertThat(ProbeJudge.judge(port, answer("exited", 0, "x".repeat(8192)), -1).output())
        .hasSize(1000);
  }

  private static String state(PatchProbe probe, String outcome, int code, String output) {
    return ProbeJudge.judge(probe, answer(outcome, code, output), -1).state();
  }

  private static AgentAnswer.Job answer(String outcome, int code, String output) {
    return new AgentAnswer.Job(true, outcome, code, 5, output);
  }
}
