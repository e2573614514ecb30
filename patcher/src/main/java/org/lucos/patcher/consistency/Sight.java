package org.lucos.patcher.consistency;

import java.util.List;

/**
 * The scheduler's counts at one moment, and some tasks a moment later.
 *
 * @param settled whether no CPU was in the middle of switching tasks, so that the counts and those
 *     of the tasks agree; false also if this kernel does not say
 * @param switches how often all CPUs together have switched tasks
 * @param forks how many tasks have ever been listed
 * @param threads how many tasks are listed, idle ones not counted
 * @param tasks the tasks asked for, without those that are not known or are others now
 */
record Sight(boolean settled, long switches, long forks, long threads, List<TaskStack> tasks) {

  /**
   * Switches away from any task that was not asked for, up to a number that stays the same. A task
   * that switched between the two moments makes it too small, nothing makes it too large.
   */
  long switchesOfOthers() {
    long others = switches;
    for (TaskStack task : tasks) {
      others -= task.switches();
    }
    return others;
  }
}
