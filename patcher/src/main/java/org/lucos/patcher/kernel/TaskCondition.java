package org.lucos.patcher.kernel;

/**
 * What a task is doing, as far as it matters to whoever wants it out of a function. The bits of
 * {@code __state} are those of include/linux/sched.h.
 */
public enum TaskCondition {
  /** On a CPU, or waiting for one: it moves by itself. */
  RUNNABLE("runs"),
  /** A signal, or what looks like one, makes its system call return and start anew. */
  SLEEPS_INTERRUPTIBLY("sleeps interruptibly"),
  /** Only what it waits for wakes it. */
  SLEEPS_UNINTERRUPTIBLY("sleeps uninterruptibly"),
  /** Stopped by a signal or held by a debugger. */
  STOPPED("is stopped"),
  /** It has no system call to return from. */
  KERNEL_THREAD("is a kernel thread"),
  /** On its way out. */
  ENDING("is ending");

  private static final long INTERRUPTIBLE = 0x1;
  private static final long STOPPED_OR_TRACED = 0x4 | 0x8;

  private final String text;

  TaskCondition(String text) {
    this.text = text;
  }

  /** What the task was doing when it was read. */
  public static TaskCondition of(Task task) {
    if (task.isEnding()) {
      return ENDING;
    }
    if (!task.returnsToUserMode()) {
      return KERNEL_THREAD;
    }
    if ((task.state() & STOPPED_OR_TRACED) != 0) {
      return STOPPED;
    }
    if (task.state() == 0) {
      return RUNNABLE;
    }
    return (task.state() & INTERRUPTIBLE) != 0 ? SLEEPS_INTERRUPTIBLY : SLEEPS_UNINTERRUPTIBLY;
  }

  /** Whether it leaves its system call when it is told to. */
  public boolean canBeKicked() {
    return this == SLEEPS_INTERRUPTIBLY || this == RUNNABLE;
  }

  @Override
  public String toString() {
    return text;
  }
}
