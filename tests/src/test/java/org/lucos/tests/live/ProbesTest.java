package org.lucos.tests.live;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.lucos.bridge.domain.GuestDomain;
import org.lucos.bridge.libvirt.Hypervisor;
import org.lucos.patcher.app.ProbeReport;
import org.lucos.patcher.app.ShowAudit;
import org.lucos.patcher.app.SoakedApply;
import org.lucos.patcher.app.SoakedApply.Probing;
import org.lucos.patcher.build.PatchProbe;
import org.lucos.patcher.build.PatchProbe.Check;
import org.lucos.patcher.build.PatchProbe.When;
import org.lucos.patcher.refusal.ExitCode;
import org.lucos.patcher.refusal.GuestRefusal;
import org.lucos.patcher.refusal.HealthRefusal;
import org.lucos.patcher.refusal.StateRefusal;
import org.lucos.tests.agent.AgentProgram;
import org.lucos.tests.guest.GuestSpec;
import org.lucos.tests.guest.TestGuest;

/** Bundles with probes, in a guest with the agent. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ProbesTest {
  private static final Mechanism PATCH = Mechanism.VERSION;
  private static final Duration LONG = Duration.ofMinutes(2);
  private static final PatchProbe FLAW =
      script("flaw-is-seen", When.BEFORE, "! grep lucos /proc/version");
  private static final PatchProbe GONE =
      script("flaw-is-gone", When.AFTER, "grep -q 'lucos version' /proc/version");

  private final TestGuest guest =
      TestGuest.boot(GuestSpec.cloud("6.1").withAgent(AgentProgram.inGuest()));
  private final AgentPort port = new AgentPort(guest);
  private final Operator operator = new Operator(guest);

  @TempDir Path folder;

  @BeforeAll
  void begin() {
    guest.markKernelLog();
  }

  @AfterAll
  void end() {
    guest.close();
  }

  @BeforeEach
  void startAgent() {
    port.end();
    port.startAgent();
    try (Hypervisor hypervisor = Hypervisor.open("qemu:///system");
        GuestDomain domain = hypervisor.attach(guest.name())) {
      port.link(domain).close();
    }
  }

  @AfterEach
  void takeOutWhatATestLeft() {
    if (!operator.patches().isEmpty()) {
      operator.revertTogether();
    }
    guest.run("rm -f /tmp/runs");
  }

  private static PatchProbe probe(String name, When when, Check check, String... words) {
    return new PatchProbe(name, when, check, List.of(words), 20_000, 0, "", 0, false, "");
  }

  private static PatchProbe script(String name, When when, String text) {
    return probe(name, when, Check.SCRIPT, text);
  }

  private Path bundle(PatchProbe... probes) {
    return Rebundled.probed(
        operator.bundle(PATCH.recipe()), folder.resolve("probed.lucos"), probes);
  }

  private SoakedApply.Outcome apply(
      Path bundle, Duration soak, boolean autoRevert, Probing probing) {
    return operator.apply(
        bundle, new SoakedApply.Soak(soak, SoakedApply.STUCK_AFTER, autoRevert, probing), false);
  }

  private SoakedApply.Outcome apply(Path bundle, Duration soak) {
    return apply(bundle, soak, true, Probing.IF_POSSIBLE);
  }

  private HealthRefusal.UnhealthyReverted reverted(Path bundle, Duration soak) {
    HealthRefusal.UnhealthyReverted refusal =
        Operator.refusal(HealthRefusal.UnhealthyReverted.class, () -> apply(bundle, soak));
    System.out.printf(
        "seen %.0f ms, reverted %.0f ms after it was applied: %s%n",
        refusal.seenAfterMilliseconds(), refusal.revertedAfterMilliseconds(), refusal.reason());
    assertThat(refusal.exitCode()).isEqualTo(ExitCode.UNHEALTHY);
    assertThat(refusal.inside()).isEmpty();
    operator.assertSound(0);
    assertThat(operator.modules()).isEmpty();
    return refusal;
  }

  private void assertStays() {
    PATCH.assertSeen(guest);
    operator.assertSound(1);
    operator.revert(PATCH.recipe());
    operator.assertSound(0);
    guest.assertNoKernelWarnings();
  }

  private JsonNode lastRecordOf(String operation) {
    return new ShowAudit(operator.settings())
        .run(Optional.of(guest.name()), 20).lines().stream()
            .map(ShowAudit.Line::record)
            .filter(record -> record.path("operation").asText().equals(operation))
            .reduce((before, last) -> last)
            .orElseThrow();
  }

  @Test
  void aGoodPatchStaysAndItsProbesLeaveNothingBehind() {
    String files = "ls -a / /tmp /run /dev/shm; ls /sys/fs/cgroup";
    String before = guest.run(files);
    SoakedApply.Outcome outcome =
        apply(
            bundle(
                FLAW,
                GONE,
                probe("file-is-read", When.ALWAYS, Check.FILE, "/proc/cmdline"),
                probe("program-ends", When.ALWAYS, Check.COMMAND, "/bin/uname", "-r")),
            Duration.ofSeconds(6));
    assertThat(outcome.exitCode()).isEqualTo(ExitCode.OK);
    ProbeReport report = outcome.probes().orElseThrow();
    assertThat(report.results())
        .extracting(ProbeReport.Result::moment, ProbeReport.Result::probe)
        .contains(
            tuple("before", FLAW.name()),
            tuple("before", "file-is-read"),
            tuple("after", GONE.name()),
            tuple("after", "program-ends"),
            tuple("soak", "program-ends"))
        .hasSize(8);
    assertThat(report.results()).allMatch(result -> result.verdict().equals("passed"));
    assertThat(report.state()).isEqualTo("passed");
    assertThat(report.notes()).isEmpty();
    assertThat(outcome.health().orElseThrow().symptoms()).isEmpty();
    assertThat(lastRecordOf("probe").at("/probes/state").asText()).isEqualTo("passed");
    assertThat(lastRecordOf("soak").at("/probes/results/0/probe").asText()).isEqualTo(FLAW.name());
    assertThat(guest.run(files)).isEqualTo(before);
    assertThat(guest.run("ps | grep lucos-prob[e]; :")).isEmpty();
    assertStays();
  }

  @Test
  void anAfterProbeThatFailsTakesThePatchBack() {
    PatchProbe wrong =
        new PatchProbe(
            "flaw-is-gone",
            When.AFTER,
            Check.SCRIPT,
            List.of("printf 'the flaw\\033[2J is there\\n'; exit 3"),
            20_000,
            0,
            "",
            0,
            false,
            "the fix does not fix it");
    HealthRefusal.UnhealthyReverted refusal = reverted(bundle(wrong), Duration.ZERO);
    assertThat(refusal.reason())
        .contains("probe 'flaw-is-gone'", "exit code 3, expected 0", "the fix does not fix it");
    assertThat(refusal.symptoms())
        .singleElement()
        .satisfies(
            symptom -> {
              assertThat(symptom.kind()).isEqualTo("probe");
              assertThat(symptom.evidence().get(0)).startsWith("the flaw").endsWith(" is there");
              assertThat(symptom.evidence().get(0)).doesNotContain("\033");
            });
    PATCH.assertNotSeen(guest);
    JsonNode record = lastRecordOf("soak");
    assertThat(record.path("outcome").asText()).isEqualTo("unhealthy-reverted");
    assertThat(record.path("exitCode").asInt()).isEqualTo(15);
    assertThat(record.at("/probes/state").asText()).isEqualTo("failed");
    assertThat(record.at("/probes/results/0/code").asInt()).isEqualTo(3);
    assertThat(record.at("/probes/results/0/output").asText()).contains("is there");

    SoakedApply.Outcome told = apply(bundle(wrong), Duration.ZERO, false, Probing.IF_POSSIBLE);
    assertThat(told.exitCode()).isEqualTo(ExitCode.UNHEALTHY);
    assertThat(told.probes().orElseThrow().state()).isEqualTo("failed");
    assertStays();
  }

  @Test
  void aPatchThatMakesAServiceSlowIsTakenBack() {
    HealthRefusal.UnhealthyReverted refusal =
        reverted(operator.bundle("uptime-slows"), Duration.ZERO);
    assertThat(refusal.reason())
        .contains("probe 'uptime-is-read'", "times as long", "programs that read the uptime wait");
    guest.assertNoKernelWarnings();
  }

  @Test
  void aServiceThatFailsWhileTheGuestIsWatchedTakesThePatchBack() {
    guest.run("touch /tmp/service");
    PatchProbe service =
        script(
            "service-is-well",
            When.ALWAYS,
            "echo x >>/tmp/runs; [ $(wc -l </tmp/runs) -lt 4 ] || rm -f /tmp/service;"
                + " test -e /tmp/service");
    HealthRefusal.UnhealthyReverted refusal = reverted(bundle(service, GONE), LONG);
    assertThat(refusal.reason()).contains("probe 'service-is-well' (always, at soak", "code 1");
    assertThat(lastRecordOf("soak").at("/probes/state").asText()).isEqualTo("failed");
    guest.assertNoKernelWarnings();
  }

  /** Not even SIGKILL ends it, so the agent cannot say how it ended. */
  @Test
  void aProbeThatHangsInTheKernelTakesThePatchBack() {
    PatchProbe hangs =
        new PatchProbe(
            "name-is-set",
            When.AFTER,
            Check.SCRIPT,
            List.of("exec hostname fifteen-letters"),
            1000,
            0,
            "",
            0,
            false,
            "");
    Path bundle =
        Rebundled.probed(
            operator.bundle("sethostname-hangs"), folder.resolve("hangs.lucos"), hangs);
    HealthRefusal.UnhealthyReverted refusal =
        Operator.refusal(HealthRefusal.UnhealthyReverted.class, () -> apply(bundle, Duration.ZERO));
    System.out.printf("hangs: %s%n", refusal.message());
    assertThat(refusal.reason()).contains("probe 'name-is-set' (after, script) failed");
    guest.run("while grep -qs fiftee[n] /proc/[0-9]*/cmdline; do sleep 0.5; done");
    if (!operator.patches().isEmpty()) {
      operator.revert("sethostname-hangs");
    }
    operator.assertSound(0);
    guest.assertNoKernelWarnings();
  }

  @Test
  void whatMustHoldBeforeIsWarnedOfOrRefused() {
    PatchProbe unseen = script("flaw-is-seen", When.BEFORE, "exit 10");
    SoakedApply.Outcome outcome = apply(bundle(unseen, GONE), Duration.ZERO);
    assertThat(outcome.exitCode()).isEqualTo(ExitCode.OK);
    assertThat(outcome.probes().orElseThrow().notes())
        .singleElement()
        .asString()
        .contains("probe 'flaw-is-seen'", "exit code 10");
    assertStays();

    PatchProbe required =
        new PatchProbe(
            "flaw-is-seen",
            When.BEFORE,
            Check.SCRIPT,
            List.of("exit 10"),
            20_000,
            0,
            "",
            0,
            true,
            "");
    assertThat(operator.apply(bundle(required), SoakedApply.Soak.NONE, true).probes().orElseThrow())
        .satisfies(
            report -> {
              assertThat(report.state()).isEqualTo("planned");
              assertThat(report.results())
                  .singleElement()
                  .satisfies(result -> assertThat(result.probe()).isEqualTo("flaw-is-seen"));
            });
    Operator.refusal(
        StateRefusal.RequiredProbeFailed.class, () -> apply(bundle(required), Duration.ZERO));
    PATCH.assertNotSeen(guest);
    operator.assertSound(0);
    assertThat(lastRecordOf("probe").path("outcome").asText()).isEqualTo("required-probe-failed");
  }

  @Test
  void anAgentThatDiesMidwayIsNotedAndThePatchStays() {
    PatchProbe deadly =
        new PatchProbe(
            "service-is-well",
            When.ALWAYS,
            Check.SCRIPT,
            List.of("echo x >>/tmp/runs; [ $(wc -l </tmp/runs) -lt 3 ] || killall -9 lucos-agent"),
            5000,
            0,
            "",
            0,
            false,
            "");
    SoakedApply.Outcome outcome = apply(bundle(GONE, deadly), Duration.ofSeconds(4));
    assertThat(outcome.exitCode()).isEqualTo(ExitCode.OK);
    assertThat(outcome.health().orElseThrow().healthy()).isTrue();
    ProbeReport report = outcome.probes().orElseThrow();
    assertThat(report.state()).isEqualTo("not-run");
    assertThat(report.results())
        .filteredOn(result -> result.moment().equals("soak"))
        .singleElement()
        .satisfies(result -> assertThat(result.verdict()).isEqualTo("not-run"));
    assertThat(report.results())
        .filteredOn(result -> result.moment().equals("after"))
        .hasSize(2)
        .allMatch(result -> result.verdict().equals("passed"));
    assertThat(report.notes()).anyMatch(note -> note.startsWith("probe not run: "));
    assertStays();
  }

  @Test
  void withoutAnAgentThatIsSaidAndThePatchGoesInUnlessProbesAreRequired() {
    port.end();
    Path bundle = bundle(FLAW, GONE);
    SoakedApply.Outcome outcome = apply(bundle, Duration.ZERO);
    assertThat(outcome.exitCode()).isEqualTo(ExitCode.OK);
    assertThat(outcome.probes().orElseThrow().state()).isEqualTo("not-run");
    assertThat(outcome.probes().orElseThrow().notes())
        .isNotEmpty()
        .allMatch(note -> note.startsWith("probe not run: "));
    assertStays();

    Operator.refusal(
        GuestRefusal.ProbeNotRun.class, () -> apply(bundle, Duration.ZERO, true, Probing.REQUIRED));
    PATCH.assertNotSeen(guest);

    port.lie("last= pid=1 found=0");
    assertThat(apply(bundle, Duration.ZERO).probes().orElseThrow().results())
        .hasSize(2)
        .allMatch(result -> result.verdict().equals("not-run"));
    assertStays();

    SoakedApply.Outcome skipped = apply(bundle, Duration.ZERO, true, Probing.NONE);
    assertThat(skipped.health()).isEmpty();
    assertThat(skipped.probes().orElseThrow().state()).isEqualTo("skipped");
    assertStays();
  }
}
