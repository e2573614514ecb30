package org.lucos.patcher.health;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.patcher.kernel.Task;
import org.lucos.patcher.kernel.TaskState;

/**
 * Tasks that sleep uninterruptibly and have not run between looks. What {@code khungtaskd} of the
 * guest finds after two minutes, if it is on, is seen here as soon as one wants.
 */
public final class HungTasks {
  private Map<GuestVirtualAddress, Seen> seen = new HashMap<>();

  /** A task, how often it had run when it was seen first, and when that was. */
  private record Seen(int pid, long switches, long since) {
    boolean isStill(Task task) {
      return pid == task.pid() && switches == ranOf(task);
    }
  }

  /**
   * One that hangs.
   *
   * @param task as it is now
   * @param seen for how long it has been seen like this; it may hang longer
   */
  public record Hung(Task task, Duration seen) {}

  /**
   * Looks at the tasks as they are now.
   *
   * @param now nanoseconds of a clock that only goes forward
   * @return all that may hang, with how long each is known to
   */
  public List<Hung> look(Collection<Task> tasks, long now) {
    Map<GuestVirtualAddress, Seen> still = new HashMap<>();
    List<Hung> hung = new ArrayList<>();
    for (Task task : tasks) {
      if (TaskState.mayHang(task) && !task.onCpu()) {
        Seen before = seen.get(task.struct());
        Seen kept =
            before != null && before.isStill(task)
                ? before
                : new Seen(task.pid(), ranOf(task), now);
        still.put(task.struct(), kept);
        hung.add(new Hung(task, Duration.ofNanos(Math.max(0, now - kept.since()))));
      }
    }
    seen = still;
    return hung;
  }

  private static long ranOf(Task task) {
    return task.voluntarySwitches() + task.involuntarySwitches();
  }
}
