package org.lucos.tests.live;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.lucos.patcher.refusal.BusyRefusal;
import org.lucos.tests.guest.Guest;
import org.lucos.tests.guest.TestGuest;

/** Tasks that are inside a function when it is to be replaced, or put back. */
class SleepingFunctionTest {
  private static final Mechanism SLEEP = Mechanism.NANOSLEEP;
  private static final Duration SHORT = Duration.ofMillis(1500);

  @Test
  void functionThatATaskSleepsInIsReplacedOnlyAfterTheTaskLeft(@Guest TestGuest guest) {
    Operator operator = new Operator(guest);
    var before = operator.text(List.of(SLEEP.function()));
    guest.markKernelLog();
    String sleeper = sleeper(guest);
    try {
      BusyRefusal.FunctionInUse refusal =
          Operator.refusal(
              BusyRefusal.FunctionInUse.class,
              () -> operator.apply(operator.bundle(SLEEP.recipe()), Operator.HASTE));
      assertThat(refusal.function()).isEqualTo(SLEEP.function());
      assertThat(refusal.task()).contains("sleep").contains(sleeper);
      assertThat(operator.modules()).as("what was loaded is unloaded").isEmpty();
      assertThat(operator.text(List.of(SLEEP.function()))).isEqualTo(before);
      assertThat(guest.run("cat /proc/" + sleeper + "/comm")).as("sleeps on").isEqualTo("sleep");
    } finally {
      guest.run("kill " + sleeper);
    }
    operator.apply(SLEEP.recipe());
    SLEEP.assertSeen(guest);
    operator.revert(SLEEP.recipe());
    SLEEP.assertNotSeen(guest);
    guest.assertNoKernelWarnings();
  }

  @Test
  void replacementThatATaskSleepsInIsTakenOutOnlyAfterTheTaskLeft(@Guest TestGuest guest) {
    Operator operator = new Operator(guest);
    guest.markKernelLog();
    operator.apply(SLEEP.recipe());
    String sleeper = sleeper(guest);
    try {
      BusyRefusal.FunctionInUse refusal =
          Operator.refusal(
              BusyRefusal.FunctionInUse.class, () -> operator.revert(SLEEP.recipe(), SHORT));
      assertThat(refusal.message()).contains(SLEEP.function()).contains(sleeper);
      SLEEP.assertSeen(guest);
      operator.assertSound(1);
      assertThat(guest.run("cat /proc/" + sleeper + "/comm")).as("sleeps on").isEqualTo("sleep");
    } finally {
      guest.run("kill " + sleeper);
    }
    operator.revert(SLEEP.recipe());
    SLEEP.assertNotSeen(guest);
    assertThat(operator.modules()).isEmpty();
    guest.assertNoKernelWarnings();
  }

  /** A process that sleeps, by its number. */
  private static String sleeper(TestGuest guest) {
    String pid = guest.run("sleep 5000 >/dev/null 2>&1 & echo $!");
    guest.run("until grep -q hrtimer_nanosleep /proc/" + pid + "/stack; do :; done");
    return pid;
  }
}
