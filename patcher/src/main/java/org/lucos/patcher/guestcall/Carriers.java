package org.lucos.patcher.guestcall;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import org.lucos.patcher.kernel.RunningKernel;
import org.lucos.patcher.kernel.Task;

/** Which tasks of the guest may run a program, best first. */
final class Carriers {
  private static final long CAP_SYS_MODULE = 1L << 16;

  private Carriers() {}

  /** Running and runnable user tasks: they pass by the exit to user mode soon, unasked. */
  static List<Task> passing(RunningKernel kernel, int limit) {
    List<Task> found = new ArrayList<>();
    for (Task task : kernel.tasks().all()) {
      if (mayCarry(task) && task.state() == 0) {
        found.add(task);
      }
    }
    found.sort(Comparator.comparing(Task::onCpu).reversed());
    return found.subList(0, Math.min(limit, found.size()));
  }

  /**
   * The task to wake when none passes by: the guest's init, which sleeps in an interruptible call
   * and, unlike any other, cannot have ended by the time the worker adds the work to it.
   */
  static Optional<Task> init(RunningKernel kernel) {
    return kernel.tasks().all().stream()
        .filter(task -> task.pid() == 1 && mayCarry(task))
        .findFirst();
  }

  /** A user task with the right to unload modules, which is not about to end. */
  static boolean mayCarry(Task task) {
    return task.returnsToUserMode()
        && task.ptrace() == 0
        && (task.capabilities() & CAP_SYS_MODULE) != 0
        && task.inInitialUserNamespace();
  }
}
