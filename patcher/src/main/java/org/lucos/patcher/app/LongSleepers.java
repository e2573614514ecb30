package org.lucos.patcher.app;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.lucos.bridge.addr.AddressRange;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.patcher.consistency.Backtrace;
import org.lucos.patcher.consistency.StackChecker;
import org.lucos.patcher.kernel.RunningKernel;
import org.lucos.patcher.kernel.Task;
import org.lucos.patcher.kernel.TaskCondition;

/**
 * Tasks that slept in the kernel all the time between two looks, by where they sleep. The
 * scheduler's own functions, which all of them are inside of, are left out.
 */
final class LongSleepers {
  private static final int FRAMES = 3;
  private static final int EXAMPLES = 5;
  private static final int MOST_TASKS = 5_000;

  private final RunningKernel kernel;

  LongSleepers(RunningKernel kernel) {
    this.kernel = kernel;
  }

  /** Looks, waits, looks again; the guest runs meanwhile. Most tasks first. */
  List<ShowBlocking.Group> find(Duration between) {
    Map<GuestVirtualAddress, Task> before = new HashMap<>();
    kernel.tasks().all().forEach(task -> before.put(task.struct(), task));
    sleep(between);
    List<Task> asleep =
        kernel.tasks().all().stream()
            .filter(task -> sleptSince(before.get(task.struct()), task))
            .limit(MOST_TASKS)
            .toList();
    return group(asleep, new StackChecker(kernel).backtraces(asleep));
  }

  private static boolean sleptSince(@Nullable Task before, Task now) {
    return before != null
        && before.pid() == now.pid()
        && !now.isIdle()
        && !now.isEnding()
        && now.state() != 0
        && before.voluntarySwitches() == now.voluntarySwitches()
        && before.involuntarySwitches() == now.involuntarySwitches();
  }

  private List<ShowBlocking.Group> group(List<Task> tasks, List<Backtrace> traces) {
    Map<String, List<Task>> places = new LinkedHashMap<>();
    for (int i = 0; i < tasks.size(); i++) {
      places.computeIfAbsent(place(traces.get(i)), p -> new ArrayList<>()).add(tasks.get(i));
    }
    List<ShowBlocking.Group> groups = new ArrayList<>();
    places.forEach((place, inside) -> groups.add(group(place, inside)));
    groups.sort(Comparator.comparingInt(ShowBlocking.Group::tasks).reversed());
    return groups;
  }

  private static ShowBlocking.Group group(String place, List<Task> inside) {
    return new ShowBlocking.Group(
        place,
        inside.size(),
        (int) inside.stream().filter(task -> !TaskCondition.of(task).canBeKicked()).count(),
        inside.stream()
            .limit(EXAMPLES)
            .map(task -> task.comm() + " (pid " + task.pid() + ")")
            .toList());
  }

  private String place(Backtrace trace) {
    AddressRange scheduler =
        AddressRange.between(
            kernel.symbols().address("__sched_text_start"),
            kernel.symbols().address("__sched_text_end"));
    String names =
        trace.frames().stream()
            .filter(frame -> !scheduler.contains(frame.address()))
            .limit(FRAMES)
            .map(frame -> frame.symbol().replaceFirst("\\+0x.*", ""))
            .collect(Collectors.joining(" < "));
    return names.isEmpty() ? "(unknown: " + trace.end() + ")" : names;
  }

  private static void sleep(Duration duration) {
    try {
      Thread.sleep(duration.toMillis());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted between two looks", e);
    }
  }
}
