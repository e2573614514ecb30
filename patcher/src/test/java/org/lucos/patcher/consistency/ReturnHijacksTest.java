package org.lucos.patcher.consistency;

import static org.assertj.core.api.Assertions.assertThat;
import static org.lucos.patcher.consistency.PreparedCheckTest.assertUnreliable;
import static org.lucos.patcher.consistency.SyntheticGuest.GRAPH;
import static org.lucos.patcher.consistency.SyntheticGuest.RETHOOK;
import static org.lucos.patcher.consistency.SyntheticGuest.TEXT;
import static org.lucos.patcher.consistency.SyntheticGuest.named;
import static org.lucos.patcher.consistency.SyntheticGuest.slot;

import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Return addresses that tracers have taken off the stack. */
class ReturnHijacksTest {
  private static final long SCHEDULE = TEXT + 0x1000;
  private static final long PIPE_READ = TEXT + 0x2000;
  private static final long SYSCALL = TEXT + 0x3000;
  private static final long OTHER = TEXT + 0x4000;
  private static final NamedRange PIPE = named("pipe_read", PIPE_READ);

  private final SyntheticGuest guest = new SyntheticGuest();

  @BeforeEach
  void text() {
    guest.function(SCHEDULE);
    guest.function(PIPE_READ);
    guest.function(OTHER);
    guest.entry(SYSCALL);
  }

  private StackReport check(NamedRange... ranges) {
    return guest.prepare(ranges).check(List.of(guest.user(0), guest.user(1)));
  }

  @Test
  void aReturnAddressTakenByTheGraphTracerIsFound() {
    for (boolean words : new boolean[] {true, false}) {
      guest.graphOfWords = words;
      TaskStack task = guest.sleeping(20, "traced", SCHEDULE + 0x40, GRAPH, SYSCALL + 0x20);
      graphEntry(task, words, PIPE_READ + 0x80, slot(task, 1));
      assertThat(check(PIPE).inUse())
          .singleElement()
          .satisfies(
              found -> {
                assertThat(found.at().value()).isEqualTo(slot(task, 1));
                assertThat(found.backtrace().complete()).isTrue();
              });
      guest.memory.put(slot(task, 1) - 8, OTHER);
      assertThat(check(named("other", OTHER)).findings()).isEmpty();
      guest.tasks.remove(task);
    }
  }

  private void graphEntry(TaskStack task, boolean words, long address, long slot) {
    long shadow = task.task() + 0x2000;
    guest.memory.put(task.task() + SyntheticGuest.RET_STACK, shadow);
    guest.memory.putAll(shadow, address, SCHEDULE, 12345, slot, 1 << 12 | 1 << 10 | 4);
    guest.memory.put(task.task() + SyntheticGuest.CURR_RET_STACK, words ? 5 : 0);
  }

  @Test
  void aTrampolineWithoutRecordIsNoExplanation() {
    TaskStack task = guest.sleeping(20, "traced", SCHEDULE + 0x40, GRAPH, SYSCALL + 0x20);
    guest.memory.put(slot(task, 1) - 8, PIPE_READ + 4);
    assertThat(check(PIPE).inUse())
        .singleElement()
        .satisfies(found -> assertThat(found.backtrace().end()).contains("not resolved"));
  }

  @Test
  void aReturnAddressTakenByAKretprobeIsFound() {
    TaskStack task = guest.sleeping(21, "probed", SCHEDULE + 0x40, RETHOOK, SYSCALL + 0x20);
    rethook(task, PIPE_READ + 0x80, slot(task, 1), 0);
    assertThat(check(PIPE).inUse())
        .singleElement()
        .satisfies(found -> assertThat(found.backtrace().complete()).isTrue());
  }

  private void rethook(TaskStack task, long address, long slot, long next) {
    long node = task.task() + 0x3000;
    guest.memory.put(task.task() + SyntheticGuest.RETHOOKS, node + 16);
    guest.memory.putAll(node, 0, 0, next, 0, address, slot);
  }

  @Test
  void aCyclicListOfRethooksIsUnreliable() {
    TaskStack task = guest.sleeping(21, "probed", SCHEDULE + 0x40, RETHOOK, SYSCALL + 0x20);
    rethook(task, OTHER, slot(task, 1), task.task() + 0x3000 + 16);
    assertUnreliable(check(PIPE), "list of rethooks does not end");
  }

  @Test
  void anAbsurdDepthOfTheGraphTracerIsUnreliable() {
    TaskStack task = guest.sleeping(20, "traced", SCHEDULE + 0x40, GRAPH, SYSCALL + 0x20);
    graphEntry(task, true, OTHER, slot(task, 1));
    guest.memory.put(task.task() + SyntheticGuest.CURR_RET_STACK, 0x7fff_ffff);
    assertUnreliable(check(PIPE), "absurd curr_ret_stack");
    guest.memory.put(task.task() + SyntheticGuest.CURR_RET_STACK, 3);
    assertUnreliable(check(PIPE), "no frame below");
  }

  @Test
  void aTaskInsideOfATrampolineIsNotExplained() {
    TaskStack task = guest.sleeping(22, "returning", GRAPH + 0x30, SYSCALL + 0x20);
    guest.memory.put(slot(task, 0) + 8, PIPE_READ + 0x80);
    guest.orc.put(GRAPH, SyntheticGuest.call(24));
    guest.orc.put(GRAPH + 0x100, SyntheticGuest.undefined());
    assertThat(check(PIPE).inUse()).hasSize(1);
  }
}
