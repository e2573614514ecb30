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
 */
record TaskStack(
    long task, int pid, String name, long base, long size, long savedSp, boolean running) {

  long top() {
    return base + size;
  }

  /** Whether a stack pointer may be this stack's; the top is that of an empty one. */
  boolean holds(long stackPointer) {
    return base != 0 && Long.compareUnsigned(stackPointer - 1 - base, size) < 0;
  }

  Subject subject() {
    return new Subject.OfTask(pid, name);
  }
}
