package org.lucos.patcher.guestcall;

/**
 * The layout of the scratch area that a kick works in. All fields are little-endian 64-bit words;
 * offsets are from the beginning of the area or of the structure. Heads, records and steps are
 * those of {@link CallLayout}.
 *
 * <pre>
 * area    magic | count | 0 | 0
 * queue   first | last                  struct wake_q_head
 * waker   head, record, steps: wake_q_add_safe(queue, task)..., wake_up_q(queue)
 * parks   for each task: head, record, steps: msleep(milliseconds)...
 * </pre>
 */
final class KickLayout {
  /** Marks an area in use: "LUCOSKK1". */
  static final long MAGIC = 0x314b4b53_4f43554cL;

  /** How many tasks can be kicked at once. */
  static final int MAX_TASKS = 10;

  /** How many times a kicked task sleeps before it goes on, unless it is let go. */
  static final int SLEEPS = 4;

  static final int COUNT = 8;
  static final int QUEUE = 0x20;
  static final int QUEUE_FIRST = 0;
  static final int QUEUE_LAST = 8;

  static final int WAKER = 0x40;
  private static final int WAKER_SIZE = size(MAX_TASKS + 1);

  private static final int PARKS = WAKER + WAKER_SIZE;
  private static final int PARK_SIZE = size(SLEEPS);

  /** Bytes of the whole area. */
  static final int SIZE = PARKS + MAX_TASKS * PARK_SIZE;

  private KickLayout() {}

  /** A head, its record, and the zero word behind the record's last step. */
  private static int size(int steps) {
    return CallLayout.HEAD_SIZE
        + CallLayout.RECORD_STEPS
        + steps * CallLayout.STEP_SIZE
        + Long.BYTES;
  }

  static int park(int index) {
    return PARKS + index * PARK_SIZE;
  }

  /** The record that belongs to a head. */
  static int record(int head) {
    return head + CallLayout.HEAD_SIZE;
  }

  static int step(int head, int index) {
    return record(head) + CallLayout.RECORD_STEPS + index * CallLayout.STEP_SIZE;
  }
}
