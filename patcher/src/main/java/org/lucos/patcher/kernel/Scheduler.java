package org.lucos.patcher.kernel;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.bridge.memory.GuestMemory;

/** What the guest's scheduler knows of CPUs, and of tasks beyond what {@link Task} has. */
public final class Scheduler {
  private final GuestMemory memory;
  private final PerCpu perCpu;
  private final GuestVirtualAddress queues;
  private final Field running;
  private final Field switches;
  private final Field clock;
  private final Optional<Field> lastRan;
  private final Optional<Field> arrived;

  Scheduler(GuestMemory memory, SymbolTable symbols, BtfTypes types, PerCpu perCpu) {
    this.memory = memory;
    this.perCpu = perCpu;
    this.queues = symbols.address("runqueues");
    StructLayout queue = types.struct("rq");
    this.running = queue.field("nr_running");
    this.switches = queue.field("nr_switches");
    this.clock = queue.field("clock");
    StructLayout task = types.struct("task_struct");
    this.lastRan = task.find("se.exec_start");
    this.arrived = task.find("sched_info.last_arrival");
  }

  /** The run queues of the CPUs that are online now. */
  public List<RunQueue> queues() {
    List<RunQueue> found = new ArrayList<>();
    for (int cpu : perCpu.onlineCpus()) {
      GuestVirtualAddress at = perCpu.address(queues, cpu);
      found.add(
          new RunQueue(
              cpu,
              running.read(memory, at),
              switches.read(memory, at),
              perCpu.currentTask(cpu),
              clock.read(memory, at)));
    }
    return found;
  }

  /**
   * Since when tasks are on a CPU, or off it: by the scheduler's clock, in nanoseconds. Of a task
   * that runs, when it came on ({@code sched_info.last_arrival}); of one that does not, when it was
   * last seen to run ({@code se.exec_start}). Empty where this kernel does not say.
   */
  public Map<GuestVirtualAddress, OptionalLong> since(List<Task> tasks) {
    List<byte[]> words = new ArrayList<>();
    List<GuestMemory.Slice> slices = new ArrayList<>();
    for (Task task : tasks) {
      byte[] word = new byte[Long.BYTES];
      words.add(word);
      field(task)
          .ifPresent(
              field ->
                  slices.add(
                      new GuestMemory.Slice(
                          task.struct().plus(field.offset()), word, 0, word.length)));
    }
    memory.readAll(slices);
    Map<GuestVirtualAddress, OptionalLong> since = new HashMap<>();
    for (int i = 0; i < words.size(); i++) {
      long at = Little.u64(words.get(i), 0);
      since.put(tasks.get(i).struct(), at == 0 ? OptionalLong.empty() : OptionalLong.of(at));
    }
    return since;
  }

  private Optional<Field> field(Task task) {
    return task.onCpu() ? arrived : lastRan;
  }
}
