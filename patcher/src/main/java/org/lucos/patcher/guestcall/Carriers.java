package org.lucos.patcher.guestcall;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.Predicate;
import org.lucos.patcher.kernel.Task;
import org.lucos.patcher.kernel.TaskCondition;

/** Which tasks of the guest may run a program, best first. */
final class Carriers {
  private static final long CAP_SYS_MODULE = 1L << 16;

  private Carriers() {}

  /**
   * Running and runnable user tasks: they pass by the exit to user mode soon, unasked. Also the one
   * that will come when asked, if it sleeps as who waits for a message does.
   */
  static List<Task> passing(List<Task> all, int limit, OptionalInt asked) {
    List<Task> found = new ArrayList<>();
    Predicate<Task> comes = task -> asked.isPresent() && asked.getAsInt() == task.pid();
    for (Task task : all) {
      boolean passes = task.state() == 0;
      boolean sleeps = TaskCondition.of(task) == TaskCondition.SLEEPS_INTERRUPTIBLY;
      if (mayCarry(task) && (passes || (sleeps && comes.test(task)))) {
        found.add(task);
      }
    }
    found.sort(Comparator.comparing(comes::test).thenComparing(Task::onCpu).reversed());
    return found.subList(0, Math.min(limit, found.size()));
  }

  /**
   * The task to wake when none passes by: the guest's init, which sleeps in an interruptible call
   * and, unlike any other, cannot have ended by the time the worker adds the work to it.
   */
  static Optional<Task> init(List<Task> all) {
    return all.stream().filter(task -> task.pid() == 1 && mayCarry(task)).findFirst();
  }

  /** A user task with the right to unload modules, which is not about to end. */
  static boolean mayCarry(Task task) {
    return task.returnsToUserMode()
        && task.ptrace() == 0
        && (task.capabilities() & CAP_SYS_MODULE) != 0
        && task.inInitialUserNamespace();
  }
}
