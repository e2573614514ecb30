package org.lucos.tests.live;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.lucos.tests.guest.Guest;
import org.lucos.tests.guest.TestGuest;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Ten patches on ten functions, some of them among the most called. */
class TenPatchesTest {
  private static final Logger LOG = LoggerFactory.getLogger(TenPatchesTest.class);
  private static final long SEED = 20_261_120;

  @Test
  void tenPatchesComeAndGoInAnyOrderUnderLoad(@Guest(vcpus = 2) TestGuest guest) {
    Operator operator = new Operator(guest);
    List<Mechanism> ten = new ArrayList<>(Mechanism.QUIET);
    ten.add(Mechanism.HOSTNAME);
    ten.forEach(patch -> operator.bundle(patch.recipe()));
    List<String> functions = ten.stream().map(Mechanism::function).toList();
    Map<String, String> before = operator.text(functions);
    guest.markKernelLog();
    guest.run("syscall_load 2 3600 >/tmp/load 2>&1 & echo $! >/tmp/load.pid"); // until it is killed
    try {
      int applied = 0;
      for (Mechanism patch : ten) {
        var outcome = operator.apply(patch.recipe());
        LOG.info(
            "{}: {} attempts, paused {} ms",
            patch.recipe(),
            outcome.attempts(),
            outcome.pauseMilliseconds());
        operator.assertSound(++applied);
        observe(guest, patch);
      }
      Mechanism.QUIET.forEach(patch -> patch.assertSeen(guest));
      assertThat(operator.modules()).hasSize(ten.size());
      List<Mechanism> mixed = new ArrayList<>(ten);
      Collections.shuffle(mixed, new Random(SEED));
      for (Mechanism patch : mixed) {
        operator.revert(patch.recipe());
        operator.assertSound(--applied);
        patch.assertNotSeen(guest);
      }
      assertThat(guest.run("cat /tmp/load")).as("the load has met no error").isEmpty();
    } finally {
      guest.run("kill $(cat /tmp/load.pid)");
    }
    assertThat(operator.modules()).isEmpty();
    assertThat(operator.text(functions)).isEqualTo(before);
    guest.assertNoKernelWarnings();
  }

  private static void observe(TestGuest guest, Mechanism patch) {
    if (Mechanism.QUIET.contains(patch)) {
      patch.assertSeen(guest);
    } else {
      guest.run("hostname calm"); // its warning is for another test
    }
  }
}
