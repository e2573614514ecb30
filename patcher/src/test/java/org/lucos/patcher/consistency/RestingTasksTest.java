package org.lucos.patcher.consistency;

import static org.assertj.core.api.Assertions.assertThat;
import static org.lucos.patcher.consistency.SyntheticGuest.TEXT;
import static org.lucos.patcher.consistency.SyntheticGuest.named;
import static org.lucos.patcher.consistency.SyntheticGuest.slot;

import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What was known before a pause is used in it only where it still holds. */
class RestingTasksTest {
  private static final long SCHEDULE = TEXT + 0x1000;
  private static final long PIPE_READ = TEXT + 0x2000;
  private static final long SYSCALL = TEXT + 0x3000;
  private static final long OTHER = TEXT + 0x4000;
  private static final int SLEEPERS = 300;

  private final SyntheticGuest guest = new SyntheticGuest();
  private TaskStack task;

  @BeforeEach
  void manyTasks() {
    guest.function(SCHEDULE);
    guest.function(PIPE_READ);
    guest.function(OTHER);
    guest.entry(SYSCALL);
    for (int i = 0; i < SLEEPERS; i++) {
      guest.sleeping(100 + i, "sleeper", SCHEDULE + 0x40, OTHER + 0x80, SYSCALL + 0x20);
    }
    task = guest.sleeping(7, "reader", SCHEDULE + 0x40, OTHER + 0x80, SYSCALL + 0x20);
  }

  private PreparedCheck looked() {
    PreparedCheck check = guest.prepare(named("pipe_read", PIPE_READ));
    check.survey();
    check.survey();
    check.lastLook();
    return check;
  }

  private StackReport inPause(PreparedCheck check) {
    return check.check(List.of(guest.user(0), guest.user(1)));
  }

  private void putInside(TaskStack who) {
    guest.memory.put(slot(who, 1), PIPE_READ + 0x80);
  }

  private static List<String> inside(StackReport report) {
    return report.inUse().stream().map(found -> found.who().toString()).toList();
  }

  @Test
  void whoeverRestsIsNotReadAgain() {
    PreparedCheck check = looked();
    int walks = guest.walks;
    StackReport report = inPause(check);
    assertThat(report.isClear()).isTrue();
    assertThat(report.tasks()).isEqualTo(SLEEPERS + 3);
    assertThat(report.reread()).isLessThan(50);
    assertThat(report.words()).isZero();
    assertThat(guest.walks).isEqualTo(walks);
  }

  @Test
  void whoeverRestsInsideIsStillFound() {
    putInside(task);
    PreparedCheck check = looked();
    int walks = guest.walks;
    assertThat(inside(inPause(check))).containsExactly("reader (pid 7)");
    assertThat(guest.walks).isEqualTo(walks);
  }

  @Test
  void aTaskThatRanAndSleepsWithTheSameStackPointerIsReadAgain() {
    PreparedCheck check = looked();
    guest.run(task);
    putInside(task);
    assertThat(inside(inPause(check))).containsExactly("reader (pid 7)");
  }

  @Test
  void aRestlessTaskIsReadAgainWithoutTheOthers() {
    PreparedCheck check = guest.prepare(named("pipe_read", PIPE_READ));
    check.survey();
    task = guest.run(task);
    check.survey();
    check.lastLook();
    int walks = guest.walks;
    guest.run(task);
    putInside(task);
    StackReport report = inPause(check);
    assertThat(inside(report)).containsExactly("reader (pid 7)");
    assertThat(guest.walks).isEqualTo(walks);
    assertThat(report.reread()).isLessThan(50);
  }

  @Test
  void ifSomebodyElseRanBesideARestlessTaskItIsFoundToo() {
    PreparedCheck check = looked();
    TaskStack idle = guest.tasks.get(0);
    for (int i = 0; i < 5; i++) {
      idle = guest.run(idle);
    }
    guest.run(task);
    putInside(task);
    assertThat(inside(inPause(check))).containsExactly("reader (pid 7)");
  }

  @Test
  void aNewTaskThatHasRunIsFound() {
    PreparedCheck check = looked();
    guest.forks++;
    TaskStack child = guest.sleeping(900, "child", SCHEDULE + 0x40, OTHER, SYSCALL + 0x20);
    guest.run(child);
    putInside(child);
    assertThat(inside(inPause(check))).containsExactly("child (pid 900)");
  }

  @Test
  void aTaskThatTookTheMemoryOfAnotherIsNotTakenForIt() {
    PreparedCheck check = looked();
    guest.run(task); // for the last time
    guest.switches++; // the new one's, which then has as many as the old one had
    guest.replace(
        new TaskStack(
            task.task(), 901, "heir", task.base(), task.size(), task.savedSp(), false, 1, 77));
    putInside(task);
    assertThat(inside(inPause(check))).containsExactly("heir (pid 901)");
  }

  @Test
  void aRestlessTaskWhoseMemoryWasTakenIsNotReckonedWith() {
    PreparedCheck check = guest.prepare(named("pipe_read", PIPE_READ));
    check.survey();
    task = guest.run(task);
    check.survey();
    check.lastLook();
    // the sums agree by accident: the heir has as many switches more as were made
    guest.switches += 4;
    guest.replace(
        new TaskStack(
            task.task(),
            task.pid(),
            "heir",
            task.base(),
            task.size(),
            task.savedSp(),
            false,
            task.switches() + 4,
            78));
    TaskStack other = guest.tasks.get(40);
    guest.replace(
        new TaskStack(
            other.task(),
            other.pid(),
            other.name(),
            other.base(),
            other.size(),
            other.savedSp(),
            false,
            other.switches() + 1,
            other.born()));
    putInside(other);
    assertThat(inPause(check).inUse()).hasSize(1);
  }

  @Test
  void countsThatPassTheirGreatestValueStillAgree() {
    guest.switches = -2;
    guest.replace(
        new TaskStack(
            task.task(), 7, "reader", task.base(), task.size(), task.savedSp(), false, -1, 5));
    task = guest.tasks.get(guest.tasks.size() - 1);
    PreparedCheck check = guest.prepare(named("pipe_read", PIPE_READ));
    check.survey();
    task = guest.run(task);
    check.survey();
    check.lastLook();
    int walks = guest.walks;
    task = guest.run(guest.run(guest.run(task)));
    putInside(task);
    assertThat(inside(inPause(check))).containsExactly("reader (pid 7)");
    assertThat(guest.walks).isEqualTo(walks);
    TaskStack other = guest.run(guest.tasks.get(40));
    putInside(other);
    assertThat(inPause(check).inUse()).hasSize(2);
  }

  @Test
  void whileACpuSwitchesNothingIsTakenForGranted() {
    PreparedCheck check = looked();
    guest.settled = false;
    int walks = guest.walks;
    StackReport report = inPause(check);
    assertThat(report.isClear()).isTrue();
    assertThat(guest.walks).isGreaterThan(walks);
    assertThat(report.reread()).isEqualTo(SLEEPERS + 3);
  }

  @Test
  void aLookDuringWhichATaskCameIsNotReliedOn() {
    PreparedCheck check = guest.prepare(named("pipe_read", PIPE_READ));
    check.survey();
    guest.whileLooking = () -> guest.forks++;
    check.lastLook();
    int walks = guest.walks;
    inPause(check);
    assertThat(guest.walks).isGreaterThan(walks);
  }

  @Test
  void aLookDuringWhichOthersRunAllTheTimeIsNotReliedOn() {
    PreparedCheck check = guest.prepare(named("pipe_read", PIPE_READ));
    check.survey();
    guest.whileLooking = () -> guest.switches++; // somebody's who is not even listed
    check.lastLook();
    guest.whileLooking = () -> {};
    int walks = guest.walks;
    inPause(check);
    assertThat(guest.walks).isGreaterThan(walks);
  }

  @Test
  void aTaskThatAVcpuRunsNowIsJudgedByThatVcpu() {
    putInside(task);
    PreparedCheck check = looked();
    guest.setCurrent(1, task);
    assertThat(inPause(check).isClear()).isTrue();
    guest.setCurrent(1, guest.tasks.get(1));
    StackReport report =
        check.check(List.of(guest.inKernel(0, PIPE_READ + 1, task.savedSp()), guest.user(1)));
    assertThat(inside(report)).containsExactly("reader (pid 7)");
  }

  @Test
  void aTaskThatCouldNotBeJudgedBeforeIsJudgedInThePause() {
    guest.replace(
        new TaskStack(
            task.task(), 7, "reader", task.base(), task.size(), task.base() - 8, false, 0, 5));
    PreparedCheck check = looked();
    TaskStack mended =
        guest.replace(
            new TaskStack(
                task.task(), 7, "reader", task.base(), task.size(), task.savedSp(), false, 0, 5));
    putInside(mended);
    assertThat(inside(inPause(check))).containsExactly("reader (pid 7)");
  }

  @Test
  void whatWouldTakeTooLongIsNotBegun() {
    PreparedCheck check = looked();
    guest.run(task);
    StackReport report = check.check(List.of(guest.user(0), guest.user(1)), Duration.ofNanos(0));
    assertThat(report.findings()).singleElement().isInstanceOf(Finding.OutOfTime.class);
  }
}
