package org.lucos.patcher.consistency;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.bridge.memory.GuestMemory;
import org.lucos.bridge.memory.MemoryFaultException;
import org.lucos.patcher.bytes.MalformedDataException;
import org.lucos.patcher.consistency.TaskRoster.Layout.Piece;

class TaskRosterTest {
  private static final long TASKS = 0xffff888000000000L;
  private static final long PID = 8;
  private static final long STACK = 16;
  private static final long SP = 0x800;
  private static final long COUNTS = 0x400;
  private static final long BORN = 0x7000;
  private static final long NODE = 24;
  private static final long THREAD_NODE = 32;
  private static final long SIGNAL = 40;
  private static final long HEAD = 0x10;

  private final SparseMemory memory = new SparseMemory();
  private final List<Long> readAlone = new ArrayList<>();
  private final TaskRoster roster =
      new TaskRoster(
          memory,
          new TaskRoster.Layout(
              List.of(new Piece(COUNTS, 24), new Piece(PID, 40), new Piece(SP, 8)),
              24,
              28,
              24 + (int) (STACK - PID),
              64,
              24 + (int) (NODE - PID),
              24 + (int) (THREAD_NODE - PID),
              24 + (int) (SIGNAL - PID),
              0,
              8,
              16,
              NODE,
              THREAD_NODE,
              HEAD,
              task(0)),
          struct -> {
            readAlone.add(struct);
            return taken(struct);
          });

  private static long task(int number) {
    return TASKS + number * 0x10000L;
  }

  private static long signal(int number) {
    return task(number) + 0x8000;
  }

  private TaskStack taken(long struct) {
    int pid = (int) memory.u64(new GuestVirtualAddress(struct + PID));
    return new TaskStack(struct, pid, "task" + pid, 1, 0x4000, 2, false, 0, BORN + pid);
  }

  /** Links processes, each given as its threads with the leader first, in a ring with init_task. */
  private void link(int[]... processes) {
    long at = task(0);
    put(0);
    for (int[] threads : processes) {
      int leader = threads[0];
      memory.put(at + NODE, task(leader) + NODE);
      at = task(leader);
      long link = signal(leader) + HEAD;
      for (int thread : threads) {
        put(thread);
        memory.put(task(thread) + SIGNAL, signal(leader));
        memory.put(link, task(thread) + THREAD_NODE);
        link = task(thread) + THREAD_NODE;
      }
      memory.put(link, signal(leader) + HEAD);
    }
    memory.put(at + NODE, task(0) + NODE);
  }

  private void put(int number) {
    memory.put(task(number) + PID, number);
    memory.put(task(number) + STACK, 0x1000 + number);
    memory.put(task(number) + SP, 0x2000 + number);
    memory.putAll(task(number) + COUNTS, 10 + number, 20, BORN + number);
  }

  private List<Integer> pids() {
    return roster.now().stream().map(TaskStack::pid).toList();
  }

  @BeforeEach
  void threeProcesses() {
    link(new int[] {1}, new int[] {2, 3, 4}, new int[] {5});
    List<TaskStack> learnt = new ArrayList<>();
    for (int i = 0; i <= 5; i++) {
      learnt.add(taken(task(i)));
    }
    roster.learn(learnt);
  }

  @Test
  void knownTasksAreReadTogether() {
    assertThat(pids()).containsExactlyInAnyOrder(0, 1, 2, 3, 4, 5);
    assertThat(pids()).containsExactlyInAnyOrder(0, 1, 2, 3, 4, 5);
    assertThat(readAlone).isEmpty();
    assertThat(roster.now())
        .allSatisfy(
            task -> {
              assertThat(task.base()).isEqualTo(0x1000 + task.pid());
              assertThat(task.savedSp()).isEqualTo(0x2000 + task.pid());
            });
  }

  @Test
  void newTasksAreFoundAndThenKnown() {
    link(new int[] {1, 7}, new int[] {8, 9}, new int[] {2, 3, 4}, new int[] {5});
    assertThat(pids()).containsExactlyInAnyOrder(0, 1, 2, 3, 4, 5, 7, 8, 9);
    assertThat(readAlone).containsExactlyInAnyOrder(task(7), task(8), task(9));
    assertThat(pids()).hasSize(9);
    assertThat(readAlone).hasSize(3);
  }

  @Test
  void tasksThatAreGoneAreForgotten() {
    link(new int[] {1}, new int[] {2, 4});
    assertThat(pids()).containsExactlyInAnyOrder(0, 1, 2, 4);
    memory.unmap(task(5));
    assertThat(pids()).containsExactlyInAnyOrder(0, 1, 2, 4);
  }

  @Test
  void memoryThatBecameAnotherTaskIsReadAfresh() {
    memory.put(task(3) + PID, 77);
    assertThat(roster.now())
        .filteredOn(task -> task.pid() == 77)
        .extracting(TaskStack::name)
        .containsExactly("task77");
  }

  @Test
  void knownTasksAreReadAgainOnTheirOwnBehindWhatComesFirst() {
    roster.now();
    memory.unmap(task(1));
    byte[] first = new byte[8];
    GuestVirtualAddress at = new GuestVirtualAddress(task(2) + PID);
    List<TaskStack> again =
        roster.again(
            List.of(task(2), task(4), task(9)),
            List.of(new GuestMemory.Slice(at, first, 0, first.length)));
    assertThat(again).extracting(TaskStack::pid).containsExactly(2, 4);
    assertThat(again).extracting(TaskStack::switches).containsExactly(32L, 34L);
    assertThat(first[0]).isEqualTo((byte) 2);
  }

  @Test
  void ofThoseReadAgainNoneIsAnotherTask() {
    roster.now();
    memory.put(task(4) + COUNTS + 16, BORN + 99);
    memory.put(task(2) + PID, 55);
    assertThat(roster.again(List.of(task(2), task(3), task(4)), List.of()))
        .extracting(TaskStack::pid)
        .containsExactly(3);
  }

  @Test
  void aLeaderWithoutSignalHasNoThreads() {
    roster.now();
    memory.put(task(2) + SIGNAL, 0);
    assertThat(pids()).containsExactlyInAnyOrder(0, 1, 2, 5);
  }

  @Test
  void listsThatDoNotEndAreRefused() {
    memory.put(task(5) + NODE, task(1) + NODE);
    assertThatThrownBy(roster::now).isInstanceOf(MalformedDataException.class);
    threeProcesses();
    memory.put(task(4) + THREAD_NODE, task(3) + THREAD_NODE);
    assertThatThrownBy(roster::now).isInstanceOf(MalformedDataException.class);
    threeProcesses();
    memory.put(task(2) + THREAD_NODE, task(2) + THREAD_NODE);
    assertThatThrownBy(roster::now).isInstanceOf(MalformedDataException.class);
  }

  @Test
  void anyLinksGiveTasksOrATypedError() {
    Random random = new Random(0x7a5c);
    int whole = 0;
    for (int round = 0; round < 2000; round++) {
      threeProcesses();
      long[] places = {NODE, THREAD_NODE, SIGNAL, PID};
      for (int i = 0; i < 3; i++) {
        long at = task(random.nextInt(6)) + places[random.nextInt(places.length)];
        long word =
            switch (random.nextInt(3)) {
              case 0 -> random.nextLong();
              case 1 -> task(random.nextInt(7)) + places[random.nextInt(places.length)];
              default -> signal(random.nextInt(6)) + HEAD;
            };
        memory.put(at, word);
      }
      try {
        roster.now();
        whole++;
      } catch (MalformedDataException | MemoryFaultException e) {
        assertThat(e).hasMessageContaining("=");
      }
    }
    assertThat(whole).isPositive();
  }
}
