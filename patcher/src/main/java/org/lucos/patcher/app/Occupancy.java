package org.lucos.patcher.app;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.lucos.patcher.consistency.NamedRange;
import org.lucos.patcher.consistency.PreparedCheck;
import org.lucos.patcher.consistency.StackChecker;
import org.lucos.patcher.consistency.StackReport;
import org.lucos.patcher.plan.PatchPlan;

/**
 * Who is inside of the functions to be replaced right now, as far as that can be told without
 * stopping the guest: tasks that run at this moment are not looked into.
 *
 * @param inUse one line a task
 * @param tasks how many were looked at
 * @param expectedPauseMilliseconds about how long a switch would stop the guest
 */
record Occupancy(List<String> inUse, int tasks, double expectedPauseMilliseconds) {
  /** What stopping, writing a few sites and resuming took in every measurement so far, at most. */
  private static final double STOP_AND_WRITE_MILLISECONDS = 2;

  static Occupancy measure(GuestSession session, PatchPlan plan) {
    List<NamedRange> ranges = new ArrayList<>();
    plan.functions().forEach(f -> f.ranges().forEach(r -> ranges.add(new NamedRange(f.name(), r))));
    PreparedCheck checker = new StackChecker(session.kernel()).prepare(ranges);
    StackReport report = checker.survey();
    double check = checker.expected().toNanos() / 1e6;
    return new Occupancy(
        report.inUse().stream().map(f -> f + ": " + f.backtrace()).toList(),
        report.tasks(),
        Report.round(check + STOP_AND_WRITE_MILLISECONDS));
  }

  String text() {
    StringBuilder text = new StringBuilder();
    if (inUse.isEmpty()) {
      text.append("stacks: ").append(tasks).append(" tasks, none inside\n");
    } else {
      text.append("stacks: in use right now, apply would wait for\n");
      inUse.forEach(line -> text.append("  ").append(line).append('\n'));
    }
    return text.append(
            String.format(
                Locale.ROOT, "expected pause: about %.1f ms%n", expectedPauseMilliseconds))
        .toString();
  }
}
