package org.lucos.patcher.health;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.patcher.kernel.Task;
import org.lucos.patcher.kernel.TaskState;

class HungTasksTest {
  private static final GuestVirtualAddress SOMEWHERE =
      new GuestVirtualAddress(0xffff_8880_0100_0000L);

  private final HungTasks tasks = new HungTasks();

  private static Task task(int pid, long state, long exitState, long switches) {
    return new Task(
        SOMEWHERE.plus(pid * 4096L),
        pid,
        pid,
        "task",
        0,
        state,
        exitState,
        false,
        0,
        SOMEWHERE,
        SOMEWHERE,
        0x4000,
        SOMEWHERE,
        0,
        SOMEWHERE,
        SOMEWHERE,
        0,
        true,
        0,
        switches,
        3);
  }

  private List<String> look(long seconds, Task... now) {
    return tasks.look(List.of(now), Duration.ofSeconds(seconds).toNanos()).stream()
        .map(hung -> hung.task().pid() + " for " + hung.seen().toSeconds())
        .toList();
  }

  @Test
  void aTaskHangsForAsLongAsItSleepsUninterruptiblyAndDoesNotRun() {
    assertThat(look(100, task(1, 2, 0, 5), task(2, 2, 0, 5), task(3, 1, 0, 5)))
        .containsExactly("1 for 0", "2 for 0");
    assertThat(look(104, task(1, 2, 0, 5), task(2, 2, 0, 6), task(3, 1, 0, 5)))
        .as("the second has run in between")
        .containsExactly("1 for 4", "2 for 0");
    assertThat(look(107, task(1, 1, 0, 5), task(2, 0x102, 0, 6))).containsExactly("2 for 3");
    assertThat(look(109, task(1, 2, 0, 5))).containsExactly("1 for 0");
  }

  @Test
  void anotherTaskInTheSamePlaceIsAnother() {
    look(100, task(1, 2, 0, 5));
    Task other = task(7, 2, 0, 5);
    Task moved =
        new Task(
            task(1, 2, 0, 5).struct(),
            other.pid(),
            other.tgid(),
            other.comm(),
            0,
            2,
            0,
            false,
            0,
            SOMEWHERE,
            SOMEWHERE,
            0x4000,
            SOMEWHERE,
            0,
            SOMEWHERE,
            SOMEWHERE,
            0,
            true,
            0,
            5,
            3);
    assertThat(look(130, moved)).containsExactly("7 for 0");
  }

  @Test
  void idleFrozenAndDeadTasksDoNotHang() {
    assertThat(look(1, task(1, 0x402, 0, 5), task(2, 0x8002, 0, 5), task(3, 2, 0x20, 5))).isEmpty();
  }

  @Test
  void statesAreThoseThatPsShows() {
    assertThat(
            List.of(
                state(0, 0),
                state(1, 0),
                state(0x2001, 0),
                state(2, 0),
                state(0x102, 0),
                state(0x402, 0),
                state(0x2402, 0),
                state(4, 0),
                state(0x108, 0),
                state(0x80, 0x20),
                state(0x80, 0x10),
                state(0x40, 0),
                state(0x1000, 0),
                state(0x8000, 0),
                state(0x200, 0),
                state(0x8402, 0)))
        .containsExactly(
            'R', 'S', 'S', 'D', 'D', 'I', 'I', 'T', 't', 'Z', 'X', 'P', 'D', 'D', 'R', 'D');
  }

  private static char state(long state, long exitState) {
    return TaskState.of(task(1, state, exitState, 0)).letter();
  }
}
