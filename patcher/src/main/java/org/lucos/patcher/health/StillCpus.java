package org.lucos.patcher.health;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.lucos.patcher.kernel.RunQueue;

/**
 * CPUs that run a task and whose clock stands still: not even the timer's interrupt comes through.
 * A guest without a watchdog for that, as most virtual machines are, says nothing of it.
 */
final class StillCpus {
  private Map<Integer, Seen> seen = new HashMap<>();

  private record Seen(long clock, long switches, long since) {}

  /** One that stands still, and for how long it has been seen to. */
  record Still(int cpu, Duration since) {}

  /** Forgets what was seen: the guest did not run in between. */
  void forget() {
    seen.clear();
  }

  /**
   * Looks at the CPUs as they are now.
   *
   * @param now nanoseconds of a clock that only goes forward
   * @return all whose clock stood still since they were seen before
   */
  List<Still> look(List<RunQueue> queues, long now) {
    Map<Integer, Seen> present = new HashMap<>();
    List<Still> still = new ArrayList<>();
    for (RunQueue queue : queues) {
      if (queue.isIdle()) {
        continue;
      }
      Seen before = seen.get(queue.cpu());
      if (before != null
          && before.clock() == queue.clock()
          && before.switches() == queue.switches()) {
        present.put(queue.cpu(), before);
        still.add(new Still(queue.cpu(), Duration.ofNanos(now - before.since())));
      } else {
        present.put(queue.cpu(), new Seen(queue.clock(), queue.switches(), now));
      }
    }
    seen = present;
    return still;
  }
}
