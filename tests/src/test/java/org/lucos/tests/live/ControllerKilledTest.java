package org.lucos.tests.live;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.lucos.patcher.app.RecoverGuest;
import org.lucos.patcher.app.ShowStatus;
import org.lucos.tests.guest.Contract;
import org.lucos.tests.guest.Guest;
import org.lucos.tests.guest.Repository;
import org.lucos.tests.guest.TestGuest;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A controller that is killed at any moment: the guest goes on, and the next one tidies up. */
class ControllerKilledTest {
  private static final Logger LOG = LoggerFactory.getLogger(ControllerKilledTest.class);
  private static final long SEED = 20_261_121;
  private static final Mechanism PATCH = Mechanism.CMDLINE;

  /** Phases to be killed in, and the longest time after their beginning, in milliseconds. */
  private record Moment(String phase, int within) {}

  private static final List<Moment> MOMENTS =
      List.of(
          new Moment("plan", 50),
          new Moment("load module", 20),
          new Moment("load module", 900),
          new Moment("switch", 5),
          new Moment("switch", 60),
          new Moment("switch", 200));

  @Test
  @Contract
  void killedControllerLeavesARunningGuestInAKnownState(@Guest(vcpus = 2) TestGuest guest)
      throws Exception {
    Operator operator = new Operator(guest);
    Path bundle = operator.bundle(PATCH.recipe());
    List<String> functions = List.of(PATCH.function());
    Map<String, String> before = operator.text(functions);
    Random random = new Random(SEED);
    guest.markKernelLog();
    for (Moment moment : MOMENTS) {
      int delay = random.nextInt(moment.within() + 1);
      killAfter(guest, bundle.toString(), false, moment.phase(), delay);
      awaitRunning(guest);
      assertThat(guest.run("echo alive")).isEqualTo("alive");
      List<String> states = operator.patches().stream().map(p -> p.state()).toList();
      LOG.info("killed {} ms into '{}': {}", delay, moment.phase(), states);
      assertThat(states).allSatisfy(state -> assertThat(state).isIn("applied", "loaded"));
      if (states.contains("applied")) {
        PATCH.assertSeen(guest);
        operator.assertSound(1);
      } else {
        PATCH.assertNotSeen(guest);
        assertThat(operator.text(functions)).isEqualTo(before);
        operator.apply(bundle, Operator.PATIENCE);
        PATCH.assertSeen(guest);
        operator.assertSound(1);
      }
      operator.revert(PATCH.recipe());
      PATCH.assertNotSeen(guest);
      assertThat(operator.modules()).isEmpty();
      assertThat(operator.text(functions)).isEqualTo(before);
      guest.assertNoKernelWarnings();
    }
  }

  /**
   * Steps to be killed at the beginning of, the how-many-eth of the name, and what is then found.
   */
  private record Step(String phase, int times, String finding) {}

  private static final List<Step> STEPS =
      List.of(
          new Step("load module", 2, "undone"),
          new Step("switch", 1, "undone"),
          new Step("unload module", 1, "finished"),
          new Step("close the journal", 1, "finished"));

  @Test
  void atEachStepOfAReplacementTheGuestHasTheOldOrTheNewAndRecoverTellsWhich(
      @Guest(vcpus = 2) TestGuest guest) throws Exception {
    Operator operator = new Operator(guest);
    Path old = Bundles.ofExample("callbacks", guest.release());
    Path low = operator.bundle(PATCH.recipe());
    Path other = operator.bundle(Mechanism.VERSION.recipe());
    List<String> functions = List.of(PATCH.function(), Mechanism.VERSION.function());
    Map<String, String> before = operator.text(functions);
    guest.markKernelLog();
    guest.run("syscall_load 2 3600 >/dev/null 2>&1 & echo $! >/tmp/load.pid");
    try {
      for (Step step : STEPS) {
        operator.replace(List.of(), old);
        killAt(guest, low + "," + other, "replace", step.phase(), step.times());
        awaitRunning(guest);
        assertThat(operator.notes()).anyMatch(note -> note.contains("'lucos recover'"));

        RecoverGuest.Outcome recovered = operator.recover();
        LOG.info("killed at {}: {} {}", step, recovered.finding(), recovered.steps());
        assertThat(recovered.finding()).isEqualTo(step.finding());
        assertThat(recovered.operation()).contains("replace", PATCH.recipe());
        boolean done = step.finding().equals("finished");
        assertThat(operator.notes()).isEmpty();
        assertThat(operator.patches())
            .allSatisfy(patch -> assertThat(patch.state()).isEqualTo("applied"))
            .extracting(ShowStatus.Patch::patch)
            .containsExactlyInAnyOrder(
                done ? new String[] {PATCH.recipe(), "version-shows"} : new String[] {"callbacks"});
        operator.assertSound(done ? 2 : 1);
        assertThat(guest.run("cat /proc/cmdline"))
            .contains(done ? "lucos cmdline" : "lucos example");
        if (!done) {
          operator.replace(List.of(), low, other); // the second run
          operator.assertSound(2);
        }
        PATCH.assertSeen(guest);
        Mechanism.VERSION.assertSeen(guest);
        guest.assertNoKernelWarnings();
      }
      killAt(guest, PATCH.recipe() + ",version-shows", "revert", "unload module", 2);
      awaitRunning(guest);
      assertThat(operator.text(functions)).isEqualTo(before);
      assertThat(operator.revertTogether(PATCH.recipe(), "version-shows").state())
          .as("the next command finishes it")
          .isEqualTo("reverted");
    } finally {
      guest.run("kill $(cat /tmp/load.pid)");
      operator.revertTogether();
    }
    assertThat(operator.recover().finding()).isEqualTo("nothing");
    assertThat(operator.modules()).isEmpty();
    assertThat(operator.text(functions)).isEqualTo(before);
    guest.assertNoKernelWarnings();
  }

  /** Kills a controller once it is at the beginning of a step, with the step in its journal. */
  private static void killAt(
      TestGuest guest, String what, String operation, String phase, int times)
      throws IOException, InterruptedException {
    Process controller =
        controller(List.of(guest.name(), what, operation, phase, String.valueOf(times)));
    try {
      awaitPhase(controller, ApplyingController.HERE);
    } finally {
      controller.destroyForcibly().waitFor();
    }
  }

  /** Has a controller of its own work, and kills it some milliseconds after a phase begins. */
  static void killAfter(
      TestGuest guest, String bundleOrPatch, boolean revert, String phase, int delay)
      throws IOException, InterruptedException {
    Process controller =
        controller(List.of(guest.name(), bundleOrPatch, revert ? "revert" : "apply"));
    try {
      awaitPhase(controller, phase);
      Thread.sleep(delay);
    } finally {
      controller.destroyForcibly().waitFor();
    }
  }

  private static Process controller(List<String> arguments) throws IOException {
    List<String> command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-Dlucos.fork=" + Repository.fork(),
                "-cp",
                System.getProperty("java.class.path"),
                ApplyingController.class.getName()));
    command.addAll(arguments);
    return new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
  }

  private static void awaitPhase(Process controller, String phase) throws IOException {
    BufferedReader output =
        new BufferedReader(
            new InputStreamReader(controller.getInputStream(), StandardCharsets.UTF_8));
    String wanted = "phase: " + phase;
    String line = output.readLine();
    while (line != null && !line.equals(wanted)) {
      line = output.readLine();
    }
    assertThat(line).as("the controller came to the phase").isEqualTo(wanted);
  }

  static void awaitRunning(TestGuest guest) throws InterruptedException {
    for (int i = 0; i < 600 && !guest.outside().running(); i++) {
      Thread.sleep(100);
    }
    assertThat(guest.outside().running()).isTrue();
  }
}
