package org.lucos.patcher.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.bridge.memory.MemoryFaultException;
import org.lucos.patcher.bytes.MalformedDataException;

class TaskWalkerTest {
  @TempDir private Path cache;

  private final SyntheticKernel guest = new SyntheticKernel();
  private TaskWalker tasks;

  @BeforeEach
  void attach() {
    tasks = RunningKernel.attach(new FakeDomain("guest", guest), cache).tasks();
  }

  private List<Integer> pids() {
    return tasks.all().stream().map(Task::pid).toList();
  }

  private long field(long struct, String member) {
    return struct + guest.offset("task_struct", member);
  }

  @Test
  void processesComeWithTheirThreadsAfterTheIdleTasks() {
    long first = guest.addProcess(10, "first");
    long second = guest.addProcess(20, "second");
    guest.addThread(second, 21, "b");
    guest.addThread(first, 11, "a");
    guest.addThread(second, 22, "c");

    assertThat(pids()).containsExactly(0, 1, 2, 10, 11, 20, 21, 22);
    assertThat(tasks.all())
        .filteredOn(Task::isIdle)
        .extracting(Task::comm)
        .containsExactly("swapper/0");
    assertThat(tasks.all()).filteredOn(task -> task.tgid() == 20).hasSize(3);
  }

  @Test
  void aTaskTellsWhatItsStructSays() {
    long struct = guest.addProcess(10, "name-of-15-byte");
    guest.put64(field(struct, "mm"), 0xffff_8880_0000_1000L);
    guest.put32(field(struct, "__state"), 0x2001);
    guest.put64(field(struct, "thread"), guest.at("init_stack") + 0x3f00);
    guest.put32(field(struct, "on_cpu"), 1);
    guest.put64(field(struct, "nvcsw"), 77);

    Task task = tasks.at(new GuestVirtualAddress(struct));

    assertThat(task.label()).isEqualTo("name-of-15-byte/10");
    assertThat(task.returnsToUserMode()).isTrue();
    assertThat(task.state()).isEqualTo(0x2001);
    assertThat(task.onCpu()).isTrue();
    assertThat(task.savedSp().minus(task.stack())).isEqualTo(0x3f00);
    assertThat(task.stackSize()).isEqualTo(0x4000);
    assertThat(task.capabilities()).isEqualTo(0x1ff_ffff_ffffL);
    assertThat(task.inInitialUserNamespace()).isTrue();
    assertThat(task.voluntarySwitches()).isEqualTo(77);
    assertThat(task.threadFlagsAt().value()).isEqualTo(field(struct, "thread_info"));
    assertThat(tasks.all()).contains(task);
    assertThat(tasks.at(new GuestVirtualAddress(guest.at("init_task"))).returnsToUserMode())
        .isFalse();
  }

  @Test
  void whatACpuRunsIsThereThoughItHasLeftTheLists() {
    long area = guest.get64(guest.at("__per_cpu_offset"));
    long gone = guest.addProcess(99, "gone");
    guest.put64(guest.get64(field(gone, "tasks") + 8), guest.get64(field(gone, "tasks")));
    assertThat(pids()).doesNotContain(99);

    guest.put64(area + guest.at("current_task"), gone);

    assertThat(pids()).contains(99);
  }

  @Test
  @Timeout(60)
  void aRingThatDoesNotEndIsMalformed() {
    List<Long> processes = new ArrayList<>();
    for (int pid = 10; pid < 200; pid++) {
      processes.add(guest.addProcess(pid, "p"));
    }
    guest.put64(field(processes.get(150), "tasks"), field(processes.get(20), "tasks"));

    assertThatThrownBy(tasks::all)
        .isInstanceOf(MalformedDataException.class)
        .hasMessageContaining("does not end");
  }

  @Test
  @Timeout(60)
  void threadsThatDoNotEndAreMalformed() {
    long leader = guest.addProcess(10, "p");
    long first = guest.addThread(leader, 11, "a");
    long second = guest.addThread(leader, 12, "b");
    guest.put64(field(second, "thread_node"), field(first, "thread_node"));
    assertThatThrownBy(tasks::all).hasMessageContaining("list of threads does not end");

    guest.put64(field(second, "thread_node"), field(leader, "thread_node"));
    assertThatThrownBy(tasks::all).hasMessageContaining("list of threads does not end");
  }

  @Test
  void threadsOfTwoProcessesAtOnceAreMalformed() {
    long one = guest.addProcess(10, "p");
    long other = guest.addProcess(20, "q");
    guest.addThread(one, 11, "a");
    guest.put64(field(other, "thread_node"), guest.get64(field(one, "thread_node")));

    assertThatThrownBy(tasks::all).isInstanceOf(MalformedDataException.class);
  }

  @Test
  void wildPointersAreTypedFailures() {
    long struct = guest.addProcess(10, "p");
    for (long wild : new long[] {0, 1, -1, -8, 0x7fff_0000_0000L, Long.MIN_VALUE, -4096}) {
      for (String member : List.of("tasks", "thread_node", "signal", "cred")) {
        if (wild == 0 && member.equals("signal")) {
          continue;
        }
        long before = guest.get64(field(struct, member));
        guest.put64(field(struct, member), wild);
        assertThatThrownBy(tasks::all)
            .as("%s=%x", member, wild)
            .isInstanceOfAny(MalformedDataException.class, MemoryFaultException.class);
        guest.put64(field(struct, member), before);
      }
    }
    assertThat(pids()).contains(10);
  }

  @Test
  void aLeaderWithoutSignalsIsThereAlone() {
    long struct = guest.addProcess(10, "p");
    guest.put64(field(struct, "signal"), 0);

    assertThat(pids()).contains(10);
  }
}
