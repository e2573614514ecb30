package org.lucos.patcher.consistency;

import java.time.Duration;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Tasks whose stacks were judged while the guest ran, and how few reads prove in a pause that those
 * of most have not changed since.
 *
 * <p>A task that ran since and is on no CPU now was switched away from since. The scheduler counts
 * that twice ({@link SchedulerCounts}): for the CPU and for the task. Tasks that run often, the
 * <em>restless</em> ones, are read again in the pause. If their counts have grown by as much as
 * those of all CPUs together, then nobody else has been switched away from: all others are where
 * they were, however many they are. That includes tasks nobody knows of: one that came into being
 * since and has run is either on a CPU or was counted for it. If the sums differ, somebody else has
 * run, and every task's counts must be read.
 *
 * <p>What makes this sound is the order of reading. Of the first look, all CPUs' counts are older
 * than any task's: a switch in between makes the sum of others too small, which later shows as a
 * difference; and no CPU may hold a run queue's lock, or its own count could be ahead of its
 * task's. After that look, the list of all tasks is read, and holds every task there was: the
 * kernel's own counts say that none came or went meanwhile and how many there are. Of each task,
 * counts are older than whether a CPU runs it, and that is older than its stack.
 */
final class RestingTasks {
  /** Before a pause: how often to start again because somebody else has run. */
  private static final int ROUNDS = 6;

  /** How often to look at the counts for a moment in which nothing switches. */
  private static final int LOOKS = 6;

  /** Those that were switched most often so far will be again: always read again. */
  private static final int MOST_ACTIVE = 32;

  private final Guest guest;
  private final Function<List<TaskStack>, List<Verdict>> judge;
  private final Map<Long, Verdict> verdicts = new HashMap<>();
  private final Set<Long> restless = new HashSet<>();
  private @Nullable Rest rest;
  private long lookNanos;
  private long walkNanos;

  /**
   * What holds if nobody but the restless tasks has run.
   *
   * @param switches {@link Sight#switchesOfOthers()}
   * @param tasks every task, in order of stacks
   * @param restless those to be read again
   * @param findings of all others, by their tasks
   * @param cleared how many of the others
   */
  record Rest(
      long switches,
      TaskIndex tasks,
      Set<Long> restless,
      Map<Long, List<Finding>> findings,
      int cleared) {}

  /**
   * @param judge reads and judges the stacks of these tasks, none of which a CPU runs
   */
  RestingTasks(Guest guest, Function<List<TaskStack>, List<Verdict>> judge) {
    this.guest = guest;
    this.judge = judge;
  }

  /** The verdict on a task, if it has not run since. */
  Optional<Verdict> verdict(TaskStack task) {
    Verdict known = verdicts.get(task.task());
    return known != null && known.isCertain() && task.restsSince(known.seen())
        ? Optional.of(known)
        : Optional.empty();
  }

  /** Judges the tasks of the running guest that rest, as far as they have run since last time. */
  List<TaskStack> survey() {
    List<TaskStack> tasks = walk();
    if (verdicts.isEmpty()) {
      tasks.stream()
          .sorted(Comparator.comparingLong(TaskStack::switches).reversed())
          .limit(MOST_ACTIVE)
          .forEach(task -> restless.add(task.task()));
    }
    judgeChanged(tasks);
    Set<Long> listed = new HashSet<>();
    tasks.forEach(task -> listed.add(task.task()));
    verdicts.keySet().retainAll(listed);
    return tasks;
  }

  /** The last verdict on a task, for a forecast. */
  Optional<Verdict> forecast(TaskStack task) {
    return Optional.ofNullable(verdicts.get(task.task()));
  }

  private List<TaskStack> walk() {
    long start = System.nanoTime();
    List<TaskStack> tasks = guest.tasks();
    walkNanos = System.nanoTime() - start;
    return tasks;
  }

  /** How long {@link #confirm} takes, by experience. */
  Duration confirmTime() {
    return rest == null ? Duration.ZERO : Duration.ofNanos(lookNanos);
  }

  /** How long it takes to read all tasks, by experience. */
  Duration walkTime() {
    return Duration.ofNanos(walkNanos);
  }

  /** Judges anew whoever has run; they, and whoever runs now, are restless from now on. */
  private boolean judgeChanged(List<TaskStack> tasks) {
    boolean first = verdicts.isEmpty();
    List<TaskStack> changed = tasks.stream().filter(task -> verdict(task).isEmpty()).toList();
    boolean others = false;
    for (TaskStack task : changed) {
      verdicts.remove(task.task());
      others |= !first && restless.add(task.task());
    }
    List<TaskStack> asleep = changed.stream().filter(task -> !task.running()).toList();
    judge.apply(asleep).forEach(verdict -> verdicts.put(verdict.seen().task(), verdict));
    return others;
  }

  /**
   * To be called right before the guest is stopped: finds out who rests. If that cannot be had in a
   * few rounds, because too many tasks come, go and run, a check reads all of them.
   */
  void lastLook() {
    rest = null;
    for (int round = 0; round < ROUNDS && rest == null; round++) {
      round();
    }
  }

  private void round() {
    Optional<Sight> before = look();
    List<TaskStack> tasks = walk();
    boolean others = judgeChanged(tasks);
    Optional<Sight> after = look();
    if (before.isEmpty() || after.isEmpty() || others) {
      return;
    }
    boolean same =
        before.get().forks() == after.get().forks()
            && before.get().threads() == after.get().threads()
            && tasks.stream().filter(task -> task.pid() != 0).count() == after.get().threads()
            && before.get().tasks().size() == restless.size()
            && after.get().tasks().size() == restless.size()
            && before.get().switchesOfOthers() == after.get().switchesOfOthers();
    if (same) {
      rest = rest(before.get().switchesOfOthers(), tasks);
    }
  }

  /** Nothing if anybody is neither restless nor judged. */
  private @Nullable Rest rest(long switches, List<TaskStack> tasks) {
    Map<Long, List<Finding>> findings = new HashMap<>();
    int cleared = 0;
    for (TaskStack task : tasks) {
      if (restless.contains(task.task())) {
        continue;
      }
      Verdict verdict = verdicts.get(task.task());
      if (verdict == null || !verdict.isCertain() || !task.restsSince(verdict.seen())) {
        return null;
      }
      cleared += verdict.cleared() ? 1 : 0;
      if (!verdict.findings().isEmpty()) {
        findings.put(task.task(), verdict.findings());
      }
    }
    return new Rest(switches, new TaskIndex(tasks), Set.copyOf(restless), findings, cleared);
  }

  /** The best of some looks: the sum of others is never too large, so the largest is the truest. */
  private Optional<Sight> look() {
    if (restless.isEmpty()) {
      return Optional.empty();
    }
    Sight best = null;
    for (int i = 0; i < LOOKS; i++) {
      long start = System.nanoTime();
      Sight now = guest.look(restless);
      lookNanos = System.nanoTime() - start;
      if (now.tasks().size() != restless.size()) {
        forgetGone(now);
        return Optional.empty();
      }
      if (best != null && now.switches() == best.switches()) {
        return Optional.of(best); // nothing switched while it was made: it is exact
      }
      if (now.settled() && (best == null || now.switchesOfOthers() - best.switchesOfOthers() > 0)) {
        best = now;
      }
    }
    return Optional.ofNullable(best);
  }

  private void forgetGone(Sight now) {
    restless.clear();
    now.tasks().forEach(task -> restless.add(task.task()));
  }

  /** In the pause: what still holds, and the restless tasks as they are. */
  Optional<Standing> confirm() {
    Rest known = rest;
    if (known == null) {
      return Optional.empty();
    }
    Sight now = guest.look(known.restless());
    boolean holds =
        now.settled()
            && now.tasks().size() == known.restless().size()
            && now.switchesOfOthers() == known.switches();
    return holds ? Optional.of(new Standing(known, now.tasks())) : Optional.empty();
  }

  /**
   * The guest as it stands still.
   *
   * @param rest what holds of all but the restless tasks
   * @param restless those
   */
  record Standing(Rest rest, List<TaskStack> restless) {}
}
