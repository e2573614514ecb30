package org.lucos.patcher.kernel;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.bridge.memory.GuestMemory;
import org.lucos.patcher.bytes.MalformedDataException;

/**
 * Reads every task of the guest: processes from {@code init_task.tasks}, the threads of each from
 * {@code signal->thread_head}, each CPU's idle task from its run queue, and what a CPU runs right
 * now though it has left the lists already.
 *
 * <p>In a paused guest the result is exact. In a running one it is a picture that may miss tasks
 * that come or go meanwhile; a list torn by such a change is read again.
 */
public final class TaskWalker {
  private static final String SOURCE = "guest task list";

  /** A guest could have four times as many ({@code PID_MAX_LIMIT}), this process not hold them. */
  private static final int MOST_TASKS = 1 << 20;

  private final GuestMemory memory;
  private final PerCpu perCpu;
  private final TaskLayout layout;
  private final GuestVirtualAddress initTask;
  private final GuestVirtualAddress idleOfRunQueue;

  TaskWalker(GuestMemory memory, SymbolTable symbols, BtfTypes types, PerCpu perCpu) {
    this.memory = memory;
    this.perCpu = perCpu;
    this.layout = new TaskLayout(symbols, types);
    this.initTask = symbols.address("init_task");
    this.idleOfRunQueue =
        symbols.address("runqueues").plus(types.struct("rq").field("idle").offset());
  }

  /**
   * Every task: idle tasks first, then processes in the order of their creation, each followed by
   * its threads.
   *
   * @throws MalformedDataException if the lists are corrupt
   * @throws org.lucos.bridge.memory.MemoryFaultException if they lead out of memory
   */
  public List<Task> all() {
    return GuestLists.stable(this::read);
  }

  /** One task by the address of its {@code task_struct}, which is believed. */
  public Task at(GuestVirtualAddress struct) {
    Map<GuestVirtualAddress, byte[]> one = new LinkedHashMap<>();
    one.put(struct, members(struct));
    return tasks(one).get(0);
  }

  private List<Task> read() {
    Map<GuestVirtualAddress, byte[]> known = new LinkedHashMap<>();
    for (int cpu : perCpu.onlineCpus()) {
      add(known, memory.pointer(perCpu.address(idleOfRunQueue, cpu)));
    }
    byte[] initial = members(initTask);
    List<Group> processes = leaders(known, initial);
    threads(known, processes);
    for (int cpu : perCpu.onlineCpus()) {
      add(known, perCpu.currentTask(cpu));
    }
    return tasks(inProcessOrder(known, processes));
  }

  /** Chases the ring of thread group leaders. */
  private List<Group> leaders(Map<GuestVirtualAddress, byte[]> known, byte[] initial) {
    List<Group> processes = new ArrayList<>();
    GuestVirtualAddress head = initTask.plus(layout.tasks.field().offset());
    GuestVirtualAddress at = head;
    GuestVirtualAddress next = layout.tasks.pointerIn(initial);
    while (!next.equals(head)) {
      GuestLists.requireObject(SOURCE, at, next);
      GuestVirtualAddress task = next.plus(-layout.tasks.field().offset());
      byte[] members = members(task);
      if (known.size() >= MOST_TASKS || known.put(task, members) != null) {
        throw new MalformedDataException(SOURCE, next.value(), "list of tasks does not end");
      }
      processes.add(new Group(task, layout.signal.pointerIn(members)));
      at = next;
      next = layout.tasks.pointerIn(members);
    }
    return processes;
  }

  /** Chases the rings of threads, all processes one step at a time, each step one read. */
  private void threads(Map<GuestVirtualAddress, byte[]> known, List<Group> processes) {
    List<Group> active = withFirstThreads(processes);
    List<GuestMemory.Slice> slices = new ArrayList<>();
    while (!active.isEmpty()) {
      slices.clear();
      for (Group process : active) {
        GuestLists.requireObject(SOURCE, process.at, process.next);
        GuestVirtualAddress thread = process.next.plus(-layout.threadNode.field().offset());
        byte[] members = known.get(thread);
        if (members == null && known.size() < MOST_TASKS) {
          process.span = layout.newSpan();
          slices.add(layout.slice(thread, process.span));
          // takes the place, until it is read
          known.put(thread, process.span);
          process.threads.add(thread);
        } else if (members == null || process.leaderSeen || !thread.equals(process.leader)) {
          throw new MalformedDataException(
              SOURCE, process.next.value(), "list of threads does not end");
        } else {
          process.leaderSeen = true;
          process.span = null;
        }
        process.at = thread;
      }
      memory.readAll(slices);
      for (Group process : active) {
        byte[] members =
            process.span == null
                ? Objects.requireNonNull(known.get(process.at))
                : layout.membersOf(process.span);
        known.put(process.at, members);
        process.next = layout.threadNode.pointerIn(members);
      }
      active.removeIf(process -> process.next.equals(process.head));
    }
  }

  /** The processes that have threads, each with the first one as the next to read. */
  private List<Group> withFirstThreads(List<Group> processes) {
    List<Group> active = new ArrayList<>();
    List<GuestMemory.Slice> slices = new ArrayList<>();
    List<byte[]> firsts = new ArrayList<>();
    for (Group process : processes) {
      // a leader that is just being released has no signal_struct any more
      if (process.signal.isNull()) {
        continue;
      }
      GuestLists.requireObject(SOURCE, process.leader, process.signal);
      process.head = process.signal.plus(layout.threadHead.offset());
      byte[] first = new byte[8];
      firsts.add(first);
      slices.add(new GuestMemory.Slice(process.head, first, 0, first.length));
      active.add(process);
    }
    memory.readAll(slices);
    for (int i = 0; i < active.size(); i++) {
      Group process = active.get(i);
      process.at = process.head;
      process.next = new GuestVirtualAddress(Little.u64(firsts.get(i), 0));
    }
    active.removeIf(process -> process.next.equals(process.head));
    return active;
  }

  /** Leaders with their threads behind them; what belongs to no process stays in front. */
  private static Map<GuestVirtualAddress, byte[]> inProcessOrder(
      Map<GuestVirtualAddress, byte[]> known, List<Group> processes) {
    Map<GuestVirtualAddress, byte[]> rest = new LinkedHashMap<>(known);
    Map<GuestVirtualAddress, byte[]> grouped = new LinkedHashMap<>();
    for (Group process : processes) {
      move(process.leader, rest, grouped);
      process.threads.forEach(thread -> move(thread, rest, grouped));
    }
    rest.putAll(grouped);
    return rest;
  }

  private static void move(
      GuestVirtualAddress task,
      Map<GuestVirtualAddress, byte[]> from,
      Map<GuestVirtualAddress, byte[]> to) {
    byte[] members = from.remove(task);
    if (members != null) {
      to.put(task, members);
    }
  }

  /** Reads the credentials, which many tasks share, and makes the tasks. */
  private List<Task> tasks(Map<GuestVirtualAddress, byte[]> known) {
    long from = Math.min(layout.capabilities.offset(), layout.userNamespace.offset());
    int length =
        (int) (Math.max(layout.capabilities.offset(), layout.userNamespace.offset()) + 8 - from);
    Map<GuestVirtualAddress, byte[]> credentials = new LinkedHashMap<>();
    List<GuestMemory.Slice> slices = new ArrayList<>();
    known.forEach(
        (task, members) -> {
          GuestVirtualAddress cred = layout.cred.pointerIn(members);
          if (!credentials.containsKey(cred)) {
            GuestLists.requireObject(SOURCE, task, cred);
            byte[] data = new byte[length];
            credentials.put(cred, data);
            slices.add(new GuestMemory.Slice(cred.plus(from), data, 0, length));
          }
        });
    memory.readAll(slices);
    List<Task> tasks = new ArrayList<>(known.size());
    known.forEach(
        (task, members) -> {
          byte[] cred = Objects.requireNonNull(credentials.get(layout.cred.pointerIn(members)));
          tasks.add(
              layout.task(
                  task,
                  members,
                  layout.capabilities.read(cred, (int) -from),
                  layout.userNamespace.read(cred, (int) -from)));
        });
    return tasks;
  }

  private void add(Map<GuestVirtualAddress, byte[]> known, GuestVirtualAddress task) {
    if (!known.containsKey(task)) {
      GuestLists.requireObject(SOURCE, initTask, task);
      known.put(task, members(task));
    }
  }

  private byte[] members(GuestVirtualAddress task) {
    byte[] span = layout.newSpan();
    memory.readAll(List.of(layout.slice(task, span)));
    return layout.membersOf(span);
  }

  /** A thread group while its threads are being collected. */
  private static final class Group {
    private final GuestVirtualAddress leader;
    private final GuestVirtualAddress signal;
    private final List<GuestVirtualAddress> threads = new ArrayList<>();
    private GuestVirtualAddress head;
    private GuestVirtualAddress at;
    private GuestVirtualAddress next;
    private byte @Nullable [] span;
    private boolean leaderSeen;

    private Group(GuestVirtualAddress leader, GuestVirtualAddress signal) {
      this.leader = leader;
      this.signal = signal;
      this.head = leader;
      this.at = leader;
      this.next = leader;
    }
  }
}
