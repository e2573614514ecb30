package org.lucos.tests.live;

import static org.assertj.core.api.Assertions.assertThat;
import static org.lucos.tests.live.CommandLine.lucos;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.lucos.bridge.domain.GuestDomain;
import org.lucos.bridge.libvirt.Hypervisor;
import org.lucos.patcher.app.ProbeReport;
import org.lucos.patcher.app.SoakedApply;
import org.lucos.patcher.app.SoakedApply.Probing;
import org.lucos.patcher.build.Bundle;
import org.lucos.patcher.build.PatchProbe;
import org.lucos.patcher.refusal.HealthRefusal;
import org.lucos.tests.agent.AgentProgram;
import org.lucos.tests.guest.GuestPrograms;
import org.lucos.tests.guest.TestGuest;

/** Real fixes whose bundles bring along what sees the flaw. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class FixProbesTest {
  private static final SoakedApply.Soak REQUIRED =
      new SoakedApply.Soak(Duration.ZERO, SoakedApply.STUCK_AFTER, true, Probing.REQUIRED);

  private final RealFix.Shelf shelf = RealFix.sample("6.1");
  private final TestGuest guest = TestGuest.boot(shelf.guest().withAgent(AgentProgram.inGuest()));
  private final AgentPort port = new AgentPort(guest);
  private final Operator operator = new Operator(guest);

  @TempDir Path folder;

  @BeforeAll
  void begin() {
    guest.markKernelLog();
    port.startAgent();
    try (Hypervisor hypervisor = Hypervisor.open("qemu:///system");
        GuestDomain domain = hypervisor.attach(guest.name())) {
      port.link(domain).close();
    }
  }

  @AfterAll
  void end() {
    guest.close();
  }

  private void assertNothingLeft() {
    assertThat(guest.run("ls -l /proc/[0-9]*/fd 2>/dev/null | grep -c memfd || :")).isEqualTo("0");
  }

  @Test
  void observersSeeTheFlawBeforeAndNotAfter() {
    for (RealFix fix : shelf.fixes()) {
      ProbeReport report =
          operator.apply(operator.bundle(fix.name()), REQUIRED, false).probes().orElseThrow();
      assertThat(report.results().stream().map(ProbeReport.Result::toString))
          .as("%s: %s", fix.name(), report)
          .containsExactly(
              "probe 'flaw-is-seen' (before, program) passed",
              "probe 'flaw-is-gone' (after, program) passed");
      fix.assertFixed(guest);
      assertNothingLeft();
      operator.revert(fix.name());
      fix.assertFlawed(guest);
    }
    guest.assertNoKernelWarnings();
  }

  /** As one whose fix does not fix it. */
  @Test
  void fixWhoseFlawIsStillSeenIsTakenBack() {
    RealFix fix = shelf.fixes().get(0);
    Path good = operator.bundle(fix.name());
    String program = Bundle.read(good).manifest().description().programs().get(0);
    PatchProbe probe =
        new PatchProbe(
            "flaw-is-gone",
            PatchProbe.When.AFTER,
            PatchProbe.Check.PROGRAM,
            List.of("observer"),
            60_000,
            10,
            "",
            0,
            false,
            "",
            program);
    Path bad = Rebundled.probed(good, folder.resolve("bad.lucos"), probe);
    HealthRefusal.UnhealthyReverted refusal =
        Operator.refusal(
            HealthRefusal.UnhealthyReverted.class, () -> operator.apply(bad, REQUIRED, false));
    assertThat(refusal.reason()).contains("flaw-is-gone", "exit code 0, expected 10", "FIXED");
    fix.assertFlawed(guest);
    operator.assertSound(0);
    assertNothingLeft();
  }

  @Test
  void operatorsRunProgramsOfTheHostToo() throws Exception {
    RealFix fix = shelf.fixes().get(0);
    String program = GuestPrograms.compiled(Path.of(fix.observer())).toString();
    CommandLine.Answer flawed = lucos("agent", guest.name(), "probe", "program", program);
    assertThat(flawed.json().at("/result/answer/code").asInt()).as("%s", flawed).isEqualTo(10);
    CommandLine.Answer shared = lucos("agent", guest.name(), "probe", "program", "/bin/ls");
    assertThat(shared.json().toString()).contains("interpreter").contains("gcc -static");
    assertNothingLeft();
  }
}
