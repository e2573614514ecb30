package org.lucos.patcher.app;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;
import org.lucos.bridge.addr.AddressRange;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.patcher.consistency.Backtrace;
import org.lucos.patcher.consistency.StackChecker;
import org.lucos.patcher.kernel.KernelSymbol;
import org.lucos.patcher.kernel.RunQueue;
import org.lucos.patcher.kernel.RunningKernel;
import org.lucos.patcher.kernel.Scheduler;
import org.lucos.patcher.kernel.SymbolTable;
import org.lucos.patcher.kernel.Task;
import org.lucos.patcher.kernel.TaskState;

/** Shows the tasks and CPUs of a guest, read from its memory while it runs. */
public final class ShowTasks {
  private final Settings settings;

  /** Works with these settings. */
  public ShowTasks(Settings settings) {
    this.settings = settings;
  }

  /**
   * A thread.
   *
   * @param pid its number
   * @param process the number of the process that it is of
   * @param name its name, up to 15 bytes
   * @param state the letter that the guest's own {@code ps} shows
   * @param cpu the CPU it runs on, or ran on last
   * @param running whether it is on that CPU
   * @param sinceSeconds how long it is on the CPU, or off it, by the guest's scheduler: exact to a
   *     tick in a guest that is busy, and late by up to some seconds in one that is idle
   * @param blockedIn the function of the kernel in which it waits; empty while it runs or waits for
   *     a CPU, or if it cannot be told
   * @param switches how often it has left a CPU
   */
  public record Entry(
      int pid,
      int process,
      String name,
      String state,
      int cpu,
      boolean running,
      Optional<Double> sinceSeconds,
      String blockedIn,
      long switches) {}

  /**
   * A CPU.
   *
   * @param cpu its number
   * @param runnable tasks that run on it or wait for it
   * @param running the task on it
   * @param switches how often it has changed from a task to another
   * @param stuckSeconds for how long it does not leave the kernel; empty if it does
   */
  public record Cpu(
      int cpu, long runnable, String running, long switches, Optional<Double> stuckSeconds) {}

  /** What was found: threads of each process behind its first one. */
  public record Outcome(
      Report.Guest guest, List<Cpu> cpus, List<Entry> threads, ShowLog.Condition condition) {
    /** Copies the lists. */
    public Outcome {
      cpus = List.copyOf(cpus);
      threads = List.copyOf(threads);
    }
  }

  /** Looks. */
  public Outcome run(String guest) {
    try (GuestSession session = GuestSession.reading(settings, guest)) {
      RunningKernel kernel = session.kernel();
      Scheduler scheduler = kernel.scheduler();
      List<Task> tasks = kernel.tasks().all();
      List<RunQueue> queues = scheduler.queues();
      Map<GuestVirtualAddress, OptionalLong> since = scheduler.since(tasks);
      Map<GuestVirtualAddress, String> blocked = blocked(kernel, tasks);
      long now = queues.stream().mapToLong(RunQueue::clock).max().orElse(0);
      List<Entry> threads =
          tasks.stream()
              .filter(task -> !task.isIdle())
              .map(task -> entry(task, since.get(task.struct()), now, blocked))
              .toList();
      return new Outcome(
          session.describe(),
          cpus(queues, tasks),
          threads,
          ShowLog.Condition.of(kernel.condition()));
    }
  }

  private static Entry entry(
      Task task, @Nullable OptionalLong since, long now, Map<GuestVirtualAddress, String> blocked) {
    Optional<Double> seconds =
        since == null || since.isEmpty()
            ? Optional.empty()
            : Optional.of(Report.round(Math.max(0, now - since.getAsLong()) / 1e9));
    return new Entry(
        task.pid(),
        task.tgid(),
        task.comm(),
        String.valueOf(TaskState.of(task).letter()),
        task.cpu(),
        task.onCpu(),
        seconds,
        blocked.getOrDefault(task.struct(), ""),
        task.voluntarySwitches() + task.involuntarySwitches());
  }

  private static List<Cpu> cpus(List<RunQueue> queues, List<Task> tasks) {
    Map<GuestVirtualAddress, String> names = new HashMap<>();
    tasks.forEach(task -> names.put(task.struct(), task.comm() + " (pid " + task.pid() + ")"));
    return queues.stream()
        .sorted(Comparator.comparingInt(RunQueue::cpu))
        .map(
            queue ->
                new Cpu(
                    queue.cpu(),
                    queue.running(),
                    names.getOrDefault(queue.current(), "a task that came since"),
                    queue.switches(),
                    queue.stuck().map(time -> Report.millis(time) / 1000)))
        .toList();
  }

  /**
   * What {@code get_wchan()} of the guest answers: the innermost function that is no scheduler's.
   */
  private static Map<GuestVirtualAddress, String> blocked(RunningKernel kernel, List<Task> tasks) {
    List<Task> asleep = tasks.stream().filter(task -> !task.onCpu() && task.state() != 0).toList();
    List<AddressRange> scheduler = scheduler(kernel.symbols());
    List<Backtrace> traces = new StackChecker(kernel).backtraces(asleep);
    Map<GuestVirtualAddress, String> blocked = new HashMap<>();
    for (int i = 0; i < asleep.size(); i++) {
      GuestVirtualAddress struct = asleep.get(i).struct();
      traces.get(i).frames().stream()
          .filter(frame -> scheduler.stream().noneMatch(r -> r.contains(frame.address())))
          .findFirst()
          .map(frame -> frame.symbol().replaceFirst("\\+0x[0-9a-f]+(/0x[0-9a-f]+)?", ""))
          .ifPresent(function -> blocked.put(struct, function));
    }
    return blocked;
  }

  private static List<AddressRange> scheduler(SymbolTable symbols) {
    List<AddressRange> ranges = new ArrayList<>();
    for (String part : List.of("sched", "lock")) {
      Optional<KernelSymbol> start = symbols.find("__" + part + "_text_start");
      Optional<KernelSymbol> end = symbols.find("__" + part + "_text_end");
      if (start.isPresent() && end.isPresent()) {
        ranges.add(AddressRange.between(start.get().address(), end.get().address()));
      }
    }
    return ranges;
  }
}
