package org.lucos.tests.live;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.lucos.tests.guest.Guest;
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
          new Moment("load module", 300),
          new Moment("load module", 900),
          new Moment("check loaded text", 30),
          new Moment("switch", 5),
          new Moment("switch", 60),
          new Moment("switch", 200));

  @Test
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

  /** Has a controller of its own work, and kills it some milliseconds after a phase begins. */
  static void killAfter(
      TestGuest guest, String bundleOrPatch, boolean revert, String phase, int delay)
      throws IOException, InterruptedException {
    Process controller =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-cp",
                System.getProperty("java.class.path"),
                ApplyingController.class.getName(),
                guest.name(),
                bundleOrPatch,
                revert ? "revert" : "apply")
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    try {
      BufferedReader output =
          new BufferedReader(
              new InputStreamReader(controller.getInputStream(), StandardCharsets.UTF_8));
      String wanted = "phase: " + phase;
      String line = output.readLine();
      while (line != null && !line.equals(wanted)) {
        line = output.readLine();
      }
      assertThat(line).as("the controller came to the phase").isEqualTo(wanted);
      Thread.sleep(delay);
    } finally {
      controller.destroyForcibly().waitFor();
    }
  }

  static void awaitRunning(TestGuest guest) throws InterruptedException {
    for (int i = 0; i < 150 && !Virsh.run("domstate", guest.name()).equals("running"); i++) {
      Thread.sleep(100);
    }
    assertThat(Virsh.run("domstate", guest.name())).isEqualTo("running");
  }
}
