package org.lucos.patcher.kernel;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
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
  private final Field idle;
  private final Optional<Watchdog> watchdog;
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
    this.idle = queue.field("idle");
    this.watchdog = Watchdog.of(symbols);
    StructLayout task = types.struct("task_struct");
    this.lastRan = task.find("se.exec_start");
    this.arrived = task.find("sched_info.last_arrival");
  }

  /** The run queues of the CPUs that are online now. */
  public List<RunQueue> queues() {
    List<Integer> cpus = perCpu.onlineCpus();
    Map<Integer, Long> clocks = new HashMap<>();
    cpus.forEach(cpu -> clocks.put(cpu, clock.read(memory, perCpu.address(queues, cpu))));
    long now = clocks.values().stream().mapToLong(Long::longValue).max().orElse(0);
    List<RunQueue> found = new ArrayList<>();
    for (int cpu : cpus) {
      GuestVirtualAddress at = perCpu.address(queues, cpu);
      GuestVirtualAddress current = perCpu.currentTask(cpu);
      found.add(
          new RunQueue(
              cpu,
              running.read(memory, at),
              switches.read(memory, at),
              current,
              current.equals(idle.readPointer(memory, at)),
              Objects.requireNonNull(clocks.get(cpu)),
              stuck(cpu, now)));
    }
    return found;
  }

  private Optional<Duration> stuck(int cpu, long now) {
    if (watchdog.isEmpty()
        || memory.u64(watchdog.get().enabled()) == 0
        || memory.i32(watchdog.get().threshold()) <= 0) {
      return Optional.empty();
    }
    long touched = memory.u64(perCpu.address(watchdog.get().touched(), cpu));
    long units = (now >>> Watchdog.UNIT) - touched;
    long most = 2L * memory.i32(watchdog.get().threshold());
    return touched != 0 && units > most && units < Watchdog.GREATEST
        ? Optional.of(Duration.ofNanos(units << Watchdog.UNIT))
        : Optional.empty();
  }

  /** The soft lockup detector: kernel/watchdog.c. */
  private record Watchdog(
      GuestVirtualAddress enabled, GuestVirtualAddress threshold, GuestVirtualAddress touched) {
    /** Its clock counts units of 2^30 nanoseconds. */
    private static final int UNIT = 30;

    /** A year: what is longer is none of its times. */
    private static final long GREATEST = 31_536_000;

    static Optional<Watchdog> of(SymbolTable symbols) {
      Optional<KernelSymbol> enabled = symbols.find("watchdog_enabled");
      Optional<KernelSymbol> threshold = symbols.find("watchdog_thresh");
      Optional<KernelSymbol> touched = symbols.find("watchdog_touch_ts");
      return enabled.isPresent() && threshold.isPresent() && touched.isPresent()
          ? Optional.of(
              new Watchdog(
                  enabled.get().address(), threshold.get().address(), touched.get().address()))
          : Optional.empty();
    }
  }

  /**
   * Since when tasks are on a CPU, or off it: by the scheduler's clock, in nanoseconds. Of a task
   * that runs, when it came on ({@code sched_info.last_arrival}); of one that does not, when it was
   * last seen to run ({@code se.exec_start}), or came on, where the kernel has forgotten that
   * because it moved the task to another CPU. Empty where this kernel does not say.
   */
  public Map<GuestVirtualAddress, OptionalLong> since(List<Task> tasks) {
    List<Long> arrivals = times(tasks, arrived);
    List<Long> runs = times(tasks, lastRan);
    Map<GuestVirtualAddress, OptionalLong> since = new HashMap<>();
    for (int i = 0; i < tasks.size(); i++) {
      long ran = tasks.get(i).onCpu() ? 0 : runs.get(i);
      long at = ran == 0 ? arrivals.get(i) : ran;
      since.put(tasks.get(i).struct(), at == 0 ? OptionalLong.empty() : OptionalLong.of(at));
    }
    return since;
  }

  /** A member of each task; zeros if there is none. */
  private List<Long> times(List<Task> tasks, Optional<Field> member) {
    List<byte[]> words = new ArrayList<>();
    List<GuestMemory.Slice> slices = new ArrayList<>();
    for (Task task : tasks) {
      byte[] word = new byte[Long.BYTES];
      words.add(word);
      member.ifPresent(
          field ->
              slices.add(
                  new GuestMemory.Slice(task.struct().plus(field.offset()), word, 0, word.length)));
    }
    memory.readAll(slices);
    return words.stream().map(word -> Little.u64(word, 0)).toList();
  }
}
