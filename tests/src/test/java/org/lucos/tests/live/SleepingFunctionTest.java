package org.lucos.tests.live;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.lucos.patcher.app.ApplyPatch;
import org.lucos.patcher.app.Progress;
import org.lucos.patcher.app.ShowBlocking;
import org.lucos.patcher.refusal.BusyRefusal;
import org.lucos.patcher.refusal.FitRefusal;
import org.lucos.patcher.refusal.Straggler;
import org.lucos.tests.guest.Guest;
import org.lucos.tests.guest.GuestSpec;
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
    String second = sleeper(guest);
    try {
      BusyRefusal.FunctionInUse refusal =
          Operator.refusal(
              BusyRefusal.FunctionInUse.class,
              () -> operator.apply(operator.bundle(SLEEP.recipe()), Operator.HASTE));
      assertThat(refusal.function()).isEqualTo(SLEEP.function());
      assertThat(refusal.stragglers())
          .allSatisfy(
              straggler -> {
                assertThat(straggler.function()).isEqualTo(SLEEP.function());
                assertThat(straggler.condition()).isEqualTo("sleeps interruptibly");
                assertThat(straggler.backtrace())
                    .contains(SLEEP.function() + "+0x", " < do_syscall_64+0x");
              })
          .extracting(Straggler::name, straggler -> Integer.toString(straggler.pid()))
          .contains(tuple("sleep", sleeper), tuple("sleep", second));
      assertThat(refusal.details()).isEqualTo(refusal.stragglers());
      assertBlocking(guest, operator, List.of(sleeper, second));
      assertThat(operator.modules()).as("what was loaded is unloaded").isEmpty();
      assertThat(operator.text(List.of(SLEEP.function()))).isEqualTo(before);
      assertThat(guest.run("cat /proc/" + sleeper + "/comm")).as("sleeps on").isEqualTo("sleep");
    } finally {
      guest.run("kill " + sleeper + " " + second);
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

  @Test
  void taskMayStayInOldCodeIfTheAuthorPromisedThatItIsSafe(
      @Guest TestGuest guest, @TempDir Path folder) {
    Operator operator = new Operator(guest);
    var before = operator.text(List.of(SLEEP.function()));
    guest.markKernelLog();
    String sleeper = sleeper(guest);
    try {
      Path plain = operator.bundle(SLEEP.recipe());
      assertThat(
              Operator.refusal(FitRefusal.NotImmediate.class, () -> operator.applyAtOnce(plain))
                  .remedy())
          .contains("--immediate-safe");
      assertThat(operator.modules()).isEmpty();

      Path promised = Rebundled.immediateSafe(plain, folder.resolve("promised.lucos"));
      assertThat(operator.applyAtOnce(promised).draining())
          .extracting(Straggler::name, straggler -> Integer.toString(straggler.pid()))
          .contains(tuple("sleep", sleeper));
      SLEEP.assertSeen(guest);
      operator.assertSound(1);
      assertThat(operator.patches())
          .singleElement()
          .satisfies(
              patch -> {
                assertThat(patch.state()).isEqualTo("draining");
                assertThat(patch.draining())
                    .anyMatch(task -> Integer.toString(task.pid()).equals(sleeper));
              });
      BusyRefusal.FunctionInUse refusal =
          Operator.refusal(
              BusyRefusal.FunctionInUse.class, () -> operator.revert(SLEEP.recipe(), SHORT));
      assertThat(refusal.message()).contains(sleeper);
      assertThat(guest.run("cat /proc/" + sleeper + "/comm")).as("sleeps on").isEqualTo("sleep");
    } finally {
      guest.run("kill " + sleeper);
    }
    guest.run("while [ -d /proc/" + sleeper + " ]; do :; done");
    assertThat(operator.patches())
        .singleElement()
        .satisfies(patch -> assertThat(patch.state()).isEqualTo("applied"));
    operator.revert(SLEEP.recipe());
    SLEEP.assertNotSeen(guest);
    assertThat(operator.text(List.of(SLEEP.function()))).isEqualTo(before);
    assertThat(operator.modules()).isEmpty();
    guest.assertNoKernelWarnings();
  }

  @Test
  void patchThatWasOnceImmediateWaitsForTasksWhenItIsTakenAgainWithoutThat(@TempDir Path folder) {
    try (TestGuest guest = TestGuest.boot(GuestSpec.cloud("6.1"))) {
      Operator operator = new Operator(guest);
      Path safe =
          Rebundled.immediateSafe(operator.bundle(SLEEP.recipe()), folder.resolve("safe.lucos"));
      Path bundle = Rebundled.retaining(safe, folder.resolve("retaining.lucos"));
      operator.applyAtOnce(bundle);
      operator.revert(SLEEP.recipe());
      assertThat(operator.patches())
          .singleElement()
          .satisfies(patch -> assertThat(patch.state()).isEqualTo("retained"));
      String sleeper = sleeper(guest);
      BusyRefusal.FunctionInUse refusal =
          Operator.refusal(
              BusyRefusal.FunctionInUse.class, () -> operator.apply(bundle, Operator.HASTE));
      assertThat(refusal.message()).contains(sleeper);
      SLEEP.assertNotSeen(guest);
      operator.applyAtOnce(bundle);
      SLEEP.assertSeen(guest);
      guest.assertNoKernelWarnings();
    }
  }

  @Test
  void sleeperIsKickedOutSleepsOnAndNoticesNothing(@Guest TestGuest guest) {
    Operator operator = new Operator(guest);
    guest.markKernelLog();
    guest.run("(sleep 20; echo $? >/tmp/slept) >/dev/null 2>&1 & date +%s >/tmp/begun");
    guest.run("until pidof sleep >/dev/null; do :; done; rm -f /tmp/slept");
    String sleeper = sleeper(guest);
    try {
      ApplyPatch.Outcome applied = operator.applyKicking(SLEEP.recipe());
      assertThat(applied.attempts()).isGreaterThan(1);
      SLEEP.assertSeen(guest);
      assertThat(guest.run("cat /proc/" + sleeper + "/comm")).as("sleeps on").isEqualTo("sleep");
      guest.run("until [ -e /tmp/slept ]; do sleep 1; done");
      assertThat(guest.run("cat /tmp/slept")).as("the restarted call's result").isEqualTo("0");
      assertThat(Integer.parseInt(guest.run("expr $(date +%s) - $(cat /tmp/begun)")))
          .as("seconds slept")
          .isGreaterThanOrEqualTo(19);
    } finally {
      guest.run("kill " + sleeper);
    }
    operator.revert(SLEEP.recipe());
    assertThat(operator.modules()).isEmpty();
    guest.assertNoKernelWarnings();
  }

  /** They are shown as inside of the function and of the bundle's targets, and of nothing else. */
  private static void assertBlocking(TestGuest guest, Operator operator, List<String> pids) {
    for (boolean exact : new boolean[] {false, true}) {
      for (String what : List.of(SLEEP.function(), operator.bundle(SLEEP.recipe()).toString())) {
        ShowBlocking.Outcome found = blocking(guest, operator, exact, what);
        assertThat(found.blocks()).isTrue();
        assertThat(found.inside())
            .extracting(straggler -> Integer.toString(straggler.pid()))
            .containsAll(pids);
        assertThat(found.pauseMilliseconds() > 0).isEqualTo(exact);
      }
    }
    assertThat(blocking(guest, operator, false, "version_proc_show").blocks()).isFalse();
    assertThat(blocking(guest, operator, false).sleepers())
        .filteredOn(group -> group.where().contains(SLEEP.function()))
        .singleElement()
        .satisfies(group -> assertThat(group.tasks()).isGreaterThanOrEqualTo(pids.size()));
    assertThat(
            Operator.refusal(
                    FitRefusal.SymbolNotResolved.class,
                    () -> blocking(guest, operator, false, "no_such_function"))
                .symbol())
        .isEqualTo("no_such_function");
  }

  private static ShowBlocking.Outcome blocking(
      TestGuest guest, Operator operator, boolean exact, String... what) {
    return new ShowBlocking(operator.settings())
        .run(new ShowBlocking.Request(guest.name(), List.of(what), exact), Progress.SILENT);
  }

  /** A process that sleeps, by its number. */
  private static String sleeper(TestGuest guest) {
    String pid = guest.run("sleep 5000 >/dev/null 2>&1 & echo $!");
    guest.run("until grep -q hrtimer_nanosleep /proc/" + pid + "/stack; do :; done");
    return pid;
  }
}
