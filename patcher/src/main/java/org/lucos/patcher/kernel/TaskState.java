package org.lucos.patcher.kernel;

/**
 * What a task does, as the guest's own {@code ps} shows it ({@code task_state_index()} of
 * include/linux/sched.h; the bits of {@code __state} and {@code exit_state} are from there).
 */
public enum TaskState {
  /** On a CPU, or waiting for one. */
  RUNNING('R'),
  /** Sleeps; a signal wakes it. */
  SLEEPING('S'),
  /** Sleeps; no signal wakes it, or only one that kills it. */
  UNINTERRUPTIBLE('D'),
  /** Stopped by a signal. */
  STOPPED('T'),
  /** Stopped for a debugger. */
  TRACED('t'),
  /** Over, and being removed. */
  DEAD('X'),
  /** Over; nobody has asked for how it ended. */
  ZOMBIE('Z'),
  /** A kernel thread of a CPU that is off. */
  PARKED('P'),
  /** A kernel thread that waits for work; sleeps uninterruptibly and means nothing by it. */
  IDLE('I');

  private static final TaskState[] BY_HIGHEST_BIT = {
    RUNNING, SLEEPING, UNINTERRUPTIBLE, STOPPED, TRACED, DEAD, ZOMBIE, PARKED
  };
  private static final long REPORTED = 0x7f;
  private static final long UNINTERRUPTIBLE_BIT = 0x2;
  private static final long NO_LOAD = 0x400;
  private static final long RTLOCK_WAIT = 0x1000;
  private static final long FROZEN = 0x8000;

  private final char letter;

  TaskState(char letter) {
    this.letter = letter;
  }

  /** The letter that {@code ps} shows. */
  public char letter() {
    return letter;
  }

  /** What a task was doing when it was read. */
  public static TaskState of(Task task) {
    long idle = UNINTERRUPTIBLE_BIT | NO_LOAD;
    if ((task.state() & (RTLOCK_WAIT | FROZEN)) != 0) {
      return UNINTERRUPTIBLE;
    }
    if ((task.state() & idle) == idle) {
      return IDLE;
    }
    long reported = (task.state() | task.exitState()) & REPORTED;
    return BY_HIGHEST_BIT[Long.SIZE - Long.numberOfLeadingZeros(reported)];
  }

  /**
   * Whether a task sleeps as one that hangs does: uninterruptibly, not for want of work, and not
   * frozen ({@code check_hung_uninterruptible_tasks()} of kernel/hung_task.c).
   */
  public static boolean mayHang(Task task) {
    return task.exitState() == 0
        && (task.state() & UNINTERRUPTIBLE_BIT) != 0
        && (task.state() & (NO_LOAD | FROZEN)) == 0;
  }
}
