package org.lucos.patcher.consistency;

import java.time.Duration;
import org.lucos.bridge.addr.GuestVirtualAddress;

/** Why code may not be replaced just now. */
public sealed interface Finding {

  /** Who is concerned. */
  Subject who();

  /**
   * Somebody is inside of a function, or may be: what was seen says so, and no complete backtrace
   * says otherwise.
   *
   * @param who the task
   * @param function the {@link NamedRange#function()}
   * @param at where the address inside of the function was found: a word of a stack; for a register
   *     of a vCPU, the address itself
   * @param backtrace of the task, as far as it goes
   */
  record InUse(Subject who, String function, GuestVirtualAddress at, Backtrace backtrace)
      implements Finding {
    @Override
    public String toString() {
      return who + " is inside of " + function;
    }
  }

  /**
   * Nothing certain can be said at this instant. Most such states last microseconds: resume and try
   * again.
   *
   * @param who the task or vCPU
   * @param reason what stood in the way
   */
  record Unreliable(Subject who, String reason) implements Finding {
    @Override
    public String toString() {
      return who + " cannot be checked: " + reason;
    }
  }

  /**
   * Too many tasks have run since they were looked at, and looking at all of them again would stop
   * the guest for too long.
   *
   * @param who all tasks
   * @param expected how long that takes
   */
  record OutOfTime(Subject who, Duration expected) implements Finding {
    @Override
    public String toString() {
      return who + " must be checked anew, which takes " + expected.toNanos() / 1000 + " us";
    }
  }
}
