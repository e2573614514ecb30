package org.lucos.patcher.consistency;

import static org.assertj.core.api.Assertions.assertThat;
import static org.lucos.patcher.consistency.SyntheticGuest.ENTRY_TEXT;
import static org.lucos.patcher.consistency.SyntheticGuest.GRAPH;
import static org.lucos.patcher.consistency.SyntheticGuest.RETHOOK;
import static org.lucos.patcher.consistency.SyntheticGuest.TEXT;
import static org.lucos.patcher.consistency.SyntheticGuest.base;
import static org.lucos.patcher.consistency.SyntheticGuest.named;
import static org.lucos.patcher.consistency.SyntheticGuest.slot;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.lucos.bridge.vcpu.VcpuRegisters;

class PreparedCheckTest {
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

  private TaskStack reader() {
    return guest.sleeping(7, "reader", SCHEDULE + 0x40, PIPE_READ + 0x80, SYSCALL + 0x20);
  }

  private StackReport check(NamedRange... ranges) {
    return guest.prepare(ranges).check(List.of(guest.user(0), guest.user(1)));
  }

  @Test
  void nobodyInsideIsClear() {
    reader();
    StackReport report = check(named("other", OTHER));
    assertThat(report.findings()).isEmpty();
    assertThat(report.isClear()).isTrue();
    assertThat(report.tasks()).isEqualTo(3);
    assertThat(report.words()).isPositive();
  }

  @Test
  void aSleepingTaskIsFoundWithItsBacktrace() {
    TaskStack task = reader();
    StackReport report = check(PIPE);
    assertThat(report.inUse())
        .singleElement()
        .satisfies(
            found -> {
              assertThat(found.who()).isEqualTo(new Subject.OfTask(7, "reader"));
              assertThat(found.function()).isEqualTo("pipe_read");
              assertThat(found.at().value()).isEqualTo(slot(task, 1));
              assertThat(found.backtrace().complete()).isTrue();
              assertThat(found.backtrace().frames()).hasSize(3);
            });
  }

  @Test
  void aPointerThatIsNoFrameIsExplainedByACompleteBacktrace() {
    TaskStack task = reader();
    guest.memory.put(slot(task, 1) - 8, OTHER + 0x10);
    StackReport report = check(named("other", OTHER));
    assertThat(report.findings()).isEmpty();
    assertThat(report.cleared()).isEqualTo(1);
  }

  @Test
  void withoutACompleteBacktraceAPointerCounts() {
    TaskStack task = reader();
    guest.memory.put(slot(task, 1) - 8, OTHER + 0x10);
    guest.orc.put(PIPE_READ, SyntheticGuest.undefined());
    assertThat(check(named("other", OTHER)).inUse())
        .singleElement()
        .satisfies(
            found -> {
              assertThat(found.at().value()).isEqualTo(slot(task, 1) - 8);
              assertThat(found.backtrace().complete()).isFalse();
            });
  }

  @Test
  void unwindDataOfCodeThatWasReplacedExplainsNothing() {
    TaskStack task = reader();
    guest.memory.put(slot(task, 1) - 8, OTHER + 0x10);
    guest.reloaded.add(PIPE_READ + 0x80);
    assertThat(check(named("other", OTHER)).inUse()).hasSize(1);
  }

  @Test
  void whatLiesBelowTheStackPointerIsNotInUse() {
    TaskStack task = reader();
    guest.memory.put(task.savedSp() - 8, OTHER + 0x10);
    StackReport report = check(named("other", OTHER));
    assertThat(report.isClear()).isTrue();
    assertThat(report.cleared()).isZero();
  }

  @Test
  void aDeadTaskHasNoStackToLookAt() {
    TaskStack task = reader();
    guest.tasks.remove(task);
    guest.tasks.add(new TaskStack(task.task(), 7, "dead", 0, 0x4000, task.savedSp(), false, 0, 0));
    assertThat(check(PIPE).isClear()).isTrue();
  }

  @Test
  void aSavedStackPointerOutsideOfTheStackIsUnreliable() {
    TaskStack task = reader();
    guest.tasks.remove(task);
    guest.tasks.add(
        new TaskStack(task.task(), 7, "odd", task.base(), 0x4000, task.base() - 64, false, 0, 0));
    assertUnreliable(check(PIPE), "saved stack pointer");
  }

  @Test
  void anUnreadableStackIsUnreliableAndOthersAreStillChecked() {
    TaskStack task = guest.task(8, "gone");
    guest.memory.unmap(task.savedSp());
    reader();
    StackReport report = check(PIPE);
    assertThat(report.findings()).hasSize(2);
    assertThat(report.inUse()).hasSize(1);
    assertUnreliable(report, "cannot be read");
  }

  @Test
  void theInstructionPointerOfAVcpuCounts() {
    TaskStack idle = guest.tasks.get(0);
    StackReport report =
        guest
            .prepare(PIPE)
            .check(List.of(guest.inKernel(0, PIPE_READ, idle.top() - 0x200), guest.user(1)));
    assertThat(report.inUse())
        .singleElement()
        .satisfies(found -> assertThat(found.at().value()).isEqualTo(PIPE_READ));
  }

  @Test
  void registersOfAVcpuCountUnlessTheyAreExplained() {
    TaskStack task = reader();
    guest.setCurrent(0, task);
    long sp = slot(task, 1) - 16;
    VcpuRegisters registers = guest.inKernel(0, OTHER + 4, sp);
    List<Long> general = new ArrayList<>(registers.general());
    general.set(12, PIPE_READ + 0x90);
    VcpuRegisters holding =
        new VcpuRegisters(
            0,
            registers.rip(),
            registers.rsp(),
            registers.rflags(),
            registers.cs(),
            registers.gsBase(),
            registers.kernelGsBase(),
            registers.cr3(),
            general);
    guest.memory.put(slot(task, 1), SYSCALL + 0x20);
    guest.orc.put(OTHER, SyntheticGuest.call(24));
    guest.orc.put(SYSCALL, SyntheticGuest.call(24));
    StackReport unexplained = guest.prepare(PIPE).check(List.of(holding, guest.user(1)));
    assertThat(unexplained.inUse()).hasSize(1);

    guest.entry(SYSCALL);
    guest.memory.put(slot(task, 1), SCHEDULE + 0x40);
    StackReport explained = guest.prepare(PIPE).check(List.of(holding, guest.user(1)));
    assertThat(explained.findings()).isEmpty();
    assertThat(explained.cleared()).isEqualTo(1);
  }

  @Test
  void aTaskThatAVcpuRunsInUserModeHasAnEmptyStack() {
    TaskStack task = reader();
    guest.setCurrent(1, task);
    assertThat(check(PIPE).isClear()).isTrue();
  }

  @Test
  void inTheMiddleOfASwitchBothTasksAreChecked() {
    TaskStack previous = reader();
    TaskStack next = guest.task(9, "next");
    guest.setCurrent(0, previous);
    long sp = next.top() - 0x200;
    guest.memory.put(sp, OTHER + 0x10);
    StackReport report =
        guest
            .prepare(PIPE, named("other", OTHER))
            .check(List.of(guest.inKernel(0, SCHEDULE, sp), guest.user(1)));
    assertThat(report.inUse())
        .extracting(Finding.InUse::function)
        .containsExactlyInAnyOrder("pipe_read", "other");
  }

  @Test
  void anOnlineCpuWithoutVcpuIsUnreliable() {
    StackReport report = guest.prepare(PIPE).check(List.of(guest.user(0)));
    assertUnreliable(report, "no vCPU was seen to be CPU 1");
  }

  @Test
  void aVcpuThatWasNeverStartedIsLeftOut() {
    VcpuRegisters asleep = SyntheticGuest.vcpu(2, 0xfff0, 0, 0, 0, 0);
    VcpuRegisters reset =
        new VcpuRegisters(
            2,
            asleep.rip(),
            asleep.rsp(),
            2,
            0xf000,
            asleep.gsBase(),
            asleep.kernelGsBase(),
            0,
            asleep.general());
    assertThat(guest.prepare(PIPE).check(List.of(guest.user(0), guest.user(1), reset)).findings())
        .isEmpty();
  }

  @Test
  void aVcpuWithoutAKnownCpuIsUnreliable() {
    StackReport report =
        guest
            .prepare(PIPE)
            .check(
                List.of(
                    guest.user(0),
                    guest.user(1),
                    SyntheticGuest.vcpu(2, SCHEDULE, 0x100, 0x10, 0x1234, 0)));
    assertUnreliable(report, "do not tell which CPU");
  }

  @Test
  void anExitingTaskThatIsNoLongerListedIsChecked() {
    exit(guest.unlisted(11, "exiting"));
    assertThat(check(PIPE).inUse())
        .extracting(Finding.InUse::who)
        .containsExactly(new Subject.OfTask(11, "exiting"));
  }

  @Test
  void aTaskThatBeginsToExitAfterTheLastLookIsSeen() {
    TaskStack leaving = guest.unlisted(11, "exiting");
    PreparedCheck check = guest.prepare(PIPE);
    List<VcpuRegisters> vcpus = List.of(guest.user(0), guest.user(1));
    check.lastLook();
    assertThat(check.check(vcpus).findings()).isEmpty();
    exit(leaving);
    assertThat(check.check(vcpus).inUse())
        .extracting(Finding.InUse::who)
        .containsExactly(new Subject.OfTask(11, "exiting"));
  }

  /** Puts a task that is inside the function on a CPU's list of those that exit. */
  private void exit(TaskStack task) {
    guest.memory.put(task.savedSp(), PIPE_READ + 4);
    long link = task.task() + SyntheticGuest.EXIT_LINK;
    long head = SyntheticGuest.exitHead(1);
    guest.memory.put(head, link);
    guest.memory.put(link, head);
    guest.orc.put(SyntheticGuest.FORK, SyntheticGuest.undefined());
  }

  @Test
  void exitingTasksThatCanOnlyBeCountedAreUnreliable() {
    guest.exitsAreCounted = true;
    long counters = base(0) + 0x9000 + 288;
    guest.memory.putAll(counters, 5, 9, 5, 8);
    guest.memory.putAll(base(1) + 0x9000 + 288, 2, 1, 2, 1);
    assertUnreliable(check(PIPE), "1 exiting tasks");
    guest.memory.putAll(base(1) + 0x9000 + 288, 2, 1, 3, 1);
    assertThat(check(PIPE).findings()).isEmpty();
  }

  @Test
  void aTaskInAProbeSlotIsUnreliable() {
    long page = guest.tasks.get(0).task() + 0x3000;
    long code = 0xffffffffc0400000L;
    guest.memory.put(SyntheticGuest.SLOT_CACHE, page);
    guest.memory.putAll(page, SyntheticGuest.SLOT_CACHE, SyntheticGuest.SLOT_CACHE, code);
    TaskStack task = guest.sleeping(23, "stepping", SCHEDULE + 0x40, code + 8, SYSCALL + 0x20);
    assertUnreliable(check(PIPE), "probed instruction");
    guest.memory.put(slot(task, 1), OTHER + 0x10);
    guest.memory.put(slot(task, 1) - 8, code + 8);
    assertThat(check(PIPE).findings()).isEmpty();
  }

  @Test
  void corruptListsAreAReportAndNoError() {
    guest.memory.put(SyntheticGuest.exitHead(0), 0x1000);
    assertUnreliable(check(PIPE), "tasks cannot be read");
  }

  @Test
  void anyMemoryGivesAReport() {
    Random random = new Random(0x57ac);
    long[] interesting = {
      GRAPH, RETHOOK, PIPE_READ, SCHEDULE + 0x40, SYSCALL + 1, ENTRY_TEXT, -1, 0, 1, TEXT
    };
    for (int round = 0; round < 1000; round++) {
      SyntheticGuest fresh = new SyntheticGuest();
      fresh.graphOfWords = random.nextBoolean();
      fresh.exitsAreCounted = random.nextBoolean();
      fresh.function(SCHEDULE);
      fresh.function(PIPE_READ);
      fresh.entry(SYSCALL);
      TaskStack task = fresh.sleeping(1, "x", SCHEDULE + 0x40, GRAPH, RETHOOK, SYSCALL + 0x20);
      long[] places = {
        task.savedSp(),
        task.task() + SyntheticGuest.RET_STACK,
        task.task() + SyntheticGuest.CURR_RET_STACK,
        task.task() + SyntheticGuest.RETHOOKS,
        base(0) + 0x1000,
        SyntheticGuest.irqTop(0),
        SyntheticGuest.nmiTop(0) - 40,
        SyntheticGuest.exitHead(0),
        SyntheticGuest.SLOT_CACHE,
      };
      for (int i = 0; i < 6; i++) {
        long at = places[random.nextInt(places.length)] + 8L * random.nextInt(12);
        long word =
            switch (random.nextInt(4)) {
              case 0 -> random.nextLong();
              case 1 -> places[random.nextInt(places.length)];
              case 2 -> task.base() + 8L * random.nextInt(0x800);
              default -> interesting[random.nextInt(interesting.length)];
            };
        fresh.memory.put(at, word);
      }
      long[] pointers = {
        task.savedSp(), SyntheticGuest.irqTop(0) - 64, SyntheticGuest.nmiTop(0) - 80, task.top()
      };
      long sp = pointers[random.nextInt(pointers.length)];
      StackReport report =
          fresh.prepare(PIPE).check(List.of(fresh.inKernel(0, SCHEDULE + 4, sp), fresh.user(1)));
      assertThat(report.findings()).allSatisfy(found -> assertThat(found.who()).isNotNull());
    }
  }

  static void assertUnreliable(StackReport report, String reason) {
    assertThat(report.findings())
        .filteredOn(Finding.Unreliable.class::isInstance)
        .extracting(Finding::toString)
        .singleElement()
        .asString()
        .contains(reason);
  }
}
