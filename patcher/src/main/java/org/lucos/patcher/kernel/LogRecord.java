package org.lucos.patcher.kernel;

import java.util.List;

/**
 * A message of the guest's kernel log (struct printk_info of kernel/printk/printk_ringbuffer.h).
 *
 * @param seq its number, from 0 at boot; every message has the next one
 * @param nanoseconds when it was made, by the clock that {@code dmesg} shows (since boot)
 * @param level how grave it is, 0 (emerg) to 7 (debug)
 * @param facility who made it, as syslog counts; 0 is the kernel
 * @param caller the thread that made it, or a CPU in interrupts; tells interleaved messages apart
 * @param text one or more lines, as bytes of ISO-8859-1 where they are no UTF-8
 */
public record LogRecord(
    long seq, long nanoseconds, int level, int facility, long caller, String text) {
  private static final List<String> LEVELS =
      List.of("emerg", "alert", "crit", "err", "warn", "notice", "info", "debug");

  private static final long NANOS = 1_000_000_000L;

  /** The names of the levels, 0 first, as {@code dmesg --level} takes them. */
  public static List<String> levels() {
    return LEVELS;
  }

  /** The level's name. */
  public String levelName() {
    return LEVELS.get(level & 7);
  }

  /** The time as {@code dmesg} prints it: seconds and microseconds. */
  public String time() {
    return String.format(
        "%5d.%06d",
        Long.divideUnsigned(nanoseconds, NANOS), Long.remainderUnsigned(nanoseconds, NANOS) / 1000);
  }
}
