package org.lucos.patcher.kernel;

import java.util.List;

/**
 * What one look at the kernel log found.
 *
 * @param records messages, oldest first
 * @param next the number to go on from: that of the first message that was not complete yet
 * @param lost messages asked for that the guest had overwritten, or that were overwritten while
 *     they were read
 * @param damaged messages whose parts do not fit together; they are left out
 */
public record LogReading(List<LogRecord> records, long next, long lost, long damaged) {
  /** Copies the list. */
  public LogReading {
    records = List.copyOf(records);
  }
}
