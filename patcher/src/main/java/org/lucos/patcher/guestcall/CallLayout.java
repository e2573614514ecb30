package org.lucos.patcher.guestcall;

/**
 * The layout of the scratch area that a guest call works in. All fields are little-endian 64-bit
 * words unless said otherwise; offsets are from the beginning of the area or of the structure.
 *
 * <pre>
 * area     magic | owner | heads              who works here, and with how many heads
 * control  state | task | head | mode | function | result | original
 * record   state | completed | taker | 0 | steps...
 * step     function | argument[6] | result | out[3]
 * head     next | func | record | state | mm_field | task      begins as struct callback_head
 * data     blobs that arguments point to
 * </pre>
 */
final class CallLayout {
  /** Bytes of the whole area. */
  static final int SIZE = 0x800;

  /** Marks an area in use: "LUCOSGC1". */
  static final long MAGIC = 0x31434753_4f43554cL;

  static final int OWNER = 8;
  static final int HEAD_COUNT = 16;

  static final int CONTROL = 0x40;
  static final int CONTROL_STATE = 0;
  static final int CONTROL_TASK = 8;
  static final int CONTROL_HEAD = 16;
  static final int CONTROL_MODE = 24;
  static final int CONTROL_FUNCTION = 32;
  static final int CONTROL_RESULT = 40;
  static final int CONTROL_ORIGINAL = 48;

  static final int RECORD = 0x80;
  static final int RECORD_STATE = 0;
  static final int RECORD_COMPLETED = 8;
  static final int RECORD_TAKER = 16;
  static final int RECORD_STEPS = 32;

  static final int STEP_SIZE = 88;
  static final int STEP_FUNCTION = 0;
  static final int STEP_ARGUMENTS = 8;
  static final int STEP_RESULT = 56;
  static final int STEP_OUT = 64;
  static final int STEP_OUTS = 3;
  static final int MAX_STEPS = 6;

  static final int HEADS = RECORD + RECORD_STEPS + MAX_STEPS * STEP_SIZE + 0x28;
  static final int HEAD_SIZE = 48;
  static final int HEAD_NEXT = 0;
  static final int HEAD_FUNC = 8;
  static final int HEAD_RECORD = 16;
  static final int HEAD_STATE = 24;
  static final int HEAD_MM_FIELD = 32;
  static final int HEAD_TASK = 40;
  static final int MAX_HEADS = 10;

  static final int DATA = HEADS + MAX_HEADS * HEAD_SIZE;
  static final int DATA_SIZE = SIZE - DATA;

  /** States of record, control and head. */
  static final int OPEN = 0;

  static final int TAKEN = 1;
  static final int DONE = 2;

  private CallLayout() {}

  static int step(int index) {
    return RECORD + RECORD_STEPS + index * STEP_SIZE;
  }

  static int head(int index) {
    return HEADS + index * HEAD_SIZE;
  }
}
