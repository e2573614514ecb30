package org.lucos.tests.live;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.lucos.patcher.app.ProbeReport;
import org.lucos.patcher.app.SoakedApply;
import org.lucos.patcher.app.SoakedApply.Probing;
import org.lucos.patcher.build.PatchProbe;
import org.lucos.patcher.build.PatchProbe.Check;
import org.lucos.patcher.build.PatchProbe.When;
import org.lucos.patcher.refusal.ExitCode;
import org.lucos.patcher.refusal.HealthRefusal;
import org.lucos.tests.guest.GuestSpec;
import org.lucos.tests.guest.TestGuest;

/** Bundles with probes in a guest that has the hypervisor's own agent, and none of ours. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ToolsProbesTest {
  private static final Mechanism PATCH = Mechanism.VERSION;
  private static final PatchProbe GONE =
      probe("flaw-is-gone", When.AFTER, Check.SCRIPT, "grep -q 'lucos version' /proc/version");

  private final TestGuest guest = TestGuest.boot(GuestSpec.debian("6.1").withTools());
  private final Operator operator = new Operator(guest);

  @TempDir Path folder;

  @BeforeAll
  void begin() {
    guest.run("systemctl is-system-running --wait || true");
    guest.markKernelLog();
  }

  @AfterAll
  void end() {
    guest.close();
  }

  @BeforeEach
  void startTools() {
    guest.run("systemctl start qemu-guest-agent");
  }

  @AfterEach
  void takeOutWhatATestLeft() {
    if (!operator.patches().isEmpty()) {
      operator.revertTogether();
    }
  }

  private static PatchProbe probe(String name, When when, Check check, String... words) {
    return probe(name, when, check, 20_000, words);
  }

  private static PatchProbe probe(String name, When when, Check check, int limit, String... words) {
    return new PatchProbe(name, when, check, List.of(words), limit, 0, "", 0, false, "");
  }

  private SoakedApply.Outcome apply(Probing probing, PatchProbe... probes) {
    Path bundle =
        Rebundled.probed(operator.bundle(PATCH.recipe()), folder.resolve("p.lucos"), probes);
    return operator.apply(
        bundle, new SoakedApply.Soak(Duration.ZERO, SoakedApply.STUCK_AFTER, true, probing), false);
  }

  private void assertTakenBack(PatchProbe probe, String... why) {
    HealthRefusal.UnhealthyReverted refusal =
        Operator.refusal(
            HealthRefusal.UnhealthyReverted.class, () -> apply(Probing.IF_POSSIBLE, probe));
    assertThat(refusal.reason()).contains(probe.name()).contains(why);
    PATCH.assertNotSeen(guest);
    operator.assertSound(0);
  }

  @Test
  void everyKindOfProbeIsRun() {
    SoakedApply.Outcome outcome =
        apply(
            Probing.REQUIRED,
            probe("flaw-is-seen", When.BEFORE, Check.SCRIPT, "! grep lucos /proc/version"),
            GONE,
            probe("file-is-read", When.ALWAYS, Check.FILE, "/proc/cmdline"),
            probe("port-answers", When.ALWAYS, Check.TCP, "127.0.0.1", "22"),
            probe("cron-is-active", When.ALWAYS, Check.SERVICE, "cron"),
            probe("program-ends", When.ALWAYS, Check.COMMAND, "/bin/uname", "-r"));
    assertThat(outcome.exitCode()).isEqualTo(ExitCode.OK);
    ProbeReport report = outcome.probes().orElseThrow();
    assertThat(report.agent()).startsWith("qemu-guest-agent ");
    assertThat(report.results()).hasSize(10);
    assertThat(report.results()).allMatch(result -> result.verdict().equals("passed"));
    PATCH.assertSeen(guest);
    guest.assertNoKernelWarnings();
  }

  @Test
  void oneThatFailsTakesThePatchBackWhateverItsKind() {
    assertTakenBack(
        probe("says-no", When.AFTER, Check.SCRIPT, "echo sorry >&2; exit 3"),
        "exit code 3",
        "sorry");
    assertTakenBack(
        probe("is-late", When.AFTER, Check.SCRIPT, 1000, "sleep 300"), "no end within 1000 ms");
    assertThat(guest.run("pgrep -f 'sleep 30[0]' || echo none")).isEqualTo("none");
    assertTakenBack(probe("no-file", When.AFTER, Check.FILE, "/no/such"), "exit code");
    assertTakenBack(probe("no-port", When.AFTER, Check.TCP, "127.0.0.1", "1"), "refused");
    assertTakenBack(probe("no-unit", When.AFTER, Check.SERVICE, "no-such"), "inactive");
    guest.assertNoKernelWarnings();
  }

  @Test
  void toolsThatAreStoppedRunNothingAndThePatchStays() {
    guest.run("systemctl stop qemu-guest-agent");
    SoakedApply.Outcome outcome = apply(Probing.IF_POSSIBLE, GONE);
    assertThat(outcome.exitCode()).isEqualTo(ExitCode.OK);
    assertThat(outcome.probes().orElseThrow().state()).isEqualTo("not-run");
    PATCH.assertSeen(guest);
  }
}
