package org.lucos.patcher.consistency;

/**
 * A task as far as its kernel stack goes.
 *
 * @param task its {@code struct task_struct}
 * @param pid its thread's number; 0 for the idle task of a CPU
 * @param name its {@code comm}
 * @param base the lowest address of its stack; 0 once a dead task has given it back
 * @param size bytes of the stack
 * @param savedSp {@code thread.sp}: where the stack begins unless a CPU runs the task
 * @param running {@code on_cpu}: a CPU runs it, is about to, or has just stopped
 * @param switches how often it was switched away from: {@code nvcsw} and {@code nivcsw} together
 * @param born {@code start_time}: with {@code pid} it tells the task from a later one whose {@code
 *     task_struct} is in the same place
 */
record TaskStack(
    long task,
    int pid,
    String name,
    long base,
    long size,
    long savedSp,
    boolean running,
    long switches,
    long born) {

  long top() {
    return base + size;
  }

  /** Whether a stack pointer may be this stack's; the top is that of an empty one. */
  boolean holds(long stackPointer) {
    return base != 0 && Long.compareUnsigned(stackPointer - 1 - base, size) < 0;
  }

  /**
   * Whether it has not run since {@code earlier} was read, unless a CPU runs it now. Requires that
   * the counts of both were read before {@code running}, or that the guest stood still.
   */
  boolean restsSince(TaskStack earlier) {
    return !running
        && !earlier.running
        && switches == earlier.switches
        && born == earlier.born
        && pid == earlier.pid
        && base == earlier.base
        && savedSp == earlier.savedSp;
  }

  Subject subject() {
    return new Subject.OfTask(pid, name);
  }
}
