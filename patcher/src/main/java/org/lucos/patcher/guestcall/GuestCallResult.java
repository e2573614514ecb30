package org.lucos.patcher.guestcall;

import java.time.Duration;
import java.util.List;

/**
 * What a guest call came back with.
 *
 * @param values what each function returned, in order
 * @param carrier the task that ran it, as {@code name[pid]}
 * @param route how it was reached
 * @param duration from the first hook to the last result
 */
public record GuestCallResult(List<Long> values, String carrier, Route route, Duration duration) {

  /** Copies the list. */
  public GuestCallResult {
    values = List.copyOf(values);
  }

  /** How a carrier task was got to run the program. */
  public enum Route {
    /** A task that was running anyway passed by on its way to user mode. */
    PASSING_TASK,
    /** A kernel worker was borrowed to wake a sleeping task. */
    BORROWED_WORKER
  }

  /** The last function's value. */
  public long last() {
    return values.get(values.size() - 1);
  }

  /** Whether {@code value} is one of the kernel's error numbers (−4095 to −1). */
  public static boolean isError(long value) {
    return Long.compareUnsigned(value, -4096L) > 0;
  }
}
