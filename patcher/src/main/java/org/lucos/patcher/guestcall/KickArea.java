package org.lucos.patcher.guestcall;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Optional;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.patcher.kernel.RunningKernel;

/**
 * The writable memory a kick works in, beside the {@link CallArea} and, like it, never freed.
 *
 * @param address the first byte of {@link KickLayout#SIZE}
 */
record KickArea(GuestVirtualAddress address) {
  private static final int STEP = 0x100;
  private static final int STACK = 16 * 1024;

  /**
   * The kernel functions a kick needs.
   *
   * @param sleeper sleeps for so many milliseconds, whatever comes (msleep)
   * @param adder queues a task, taking over the caller's reference to it (wake_q_add_safe)
   * @param waker wakes what is queued and gives the references back (wake_up_q)
   */
  record Functions(long sleeper, long adder, long waker) {}

  /** Finds an area that is in use, or else room for one. */
  static Optional<KickArea> find(RunningKernel kernel, CallArea calls) {
    GuestVirtualAddress initTask = kernel.symbols().address("init_task");
    GuestVirtualAddress stack =
        kernel
            .memory()
            .pointer(initTask.plus(kernel.types().struct("task_struct").field("stack").offset()));
    byte[] lowerHalf = kernel.memory().bytes(stack, STACK / 2);
    return place(lowerHalf, (int) calls.address().minus(stack))
        .map(at -> new KickArea(stack.plus(at)));
  }

  /**
   * @param calls where the other area is, which may still be all zeros
   */
  static Optional<Integer> place(byte[] lowerHalf, int calls) {
    ByteBuffer words = ByteBuffer.wrap(lowerHalf).order(ByteOrder.LITTLE_ENDIAN);
    for (int at = STEP; at + KickLayout.SIZE <= lowerHalf.length; at += STEP) {
      if (words.getLong(at) == KickLayout.MAGIC) {
        return Optional.of(at);
      }
    }
    for (int at = STEP; at + KickLayout.SIZE <= lowerHalf.length; at += STEP) {
      boolean apart = at + KickLayout.SIZE <= calls || calls + CallLayout.SIZE <= at;
      if (apart && CallArea.isZero(lowerHalf, at, at + KickLayout.SIZE)) {
        return Optional.of(at);
      }
    }
    return Optional.empty();
  }

  boolean isInUse(RunningKernel kernel) {
    return kernel.memory().u64(address) == KickLayout.MAGIC;
  }

  /** The head whose program wakes the tasks; only a guest call runs it. */
  GuestVirtualAddress waker() {
    return address.plus(KickLayout.WAKER);
  }

  GuestVirtualAddress park(int index) {
    return address.plus(KickLayout.park(index));
  }

  /**
   * The whole area as it must be when a kick begins.
   *
   * @param sleeps how long a task sleeps each time, in milliseconds
   */
  byte[] image(List<CallArea.Head> tasks, StubSite stub, Functions functions, List<Long> sleeps) {
    byte[] image = new byte[KickLayout.SIZE];
    ByteBuffer area = ByteBuffer.wrap(image).order(ByteOrder.LITTLE_ENDIAN);
    long queue = address.value() + KickLayout.QUEUE;
    area.putLong(0, KickLayout.MAGIC);
    area.putLong(KickLayout.COUNT, tasks.size());
    area.putLong(KickLayout.QUEUE + KickLayout.QUEUE_FIRST, 1); // WAKE_Q_TAIL
    area.putLong(KickLayout.QUEUE + KickLayout.QUEUE_LAST, queue);
    // whoever runs this has an address space: the word it looks at is the area's mark
    putHead(area, KickLayout.WAKER, stub, new CallArea.Head(0, address.value(), 0));
    for (int i = 0; i < tasks.size(); i++) {
      putStep(area, KickLayout.WAKER, i, functions.adder(), queue, tasks.get(i).task());
      putHead(area, KickLayout.park(i), stub, tasks.get(i));
      for (int sleep = 0; sleep < sleeps.size(); sleep++) {
        putStep(area, KickLayout.park(i), sleep, functions.sleeper(), sleeps.get(sleep), 0);
      }
    }
    putStep(area, KickLayout.WAKER, tasks.size(), functions.waker(), queue, 0);
    return image;
  }

  private void putHead(ByteBuffer area, int at, StubSite stub, CallArea.Head head) {
    area.putLong(at + CallLayout.HEAD_NEXT, head.next());
    area.putLong(at + CallLayout.HEAD_FUNC, stub.address().plus(StubCode.PROGRAM).value());
    area.putLong(at + CallLayout.HEAD_RECORD, address.value() + KickLayout.record(at));
    area.putLong(at + CallLayout.HEAD_MM_FIELD, head.mmField());
    area.putLong(at + CallLayout.HEAD_TASK, head.task());
  }

  private void putStep(
      ByteBuffer area, int head, int index, long function, long first, long second) {
    int step = KickLayout.step(head, index);
    area.putLong(step + CallLayout.STEP_FUNCTION, function);
    area.putLong(step + CallLayout.STEP_ARGUMENTS, first);
    area.putLong(step + CallLayout.STEP_ARGUMENTS + 8, second);
    for (int i = 0; i < CallLayout.STEP_OUTS; i++) {
      area.putLong(
          step + CallLayout.STEP_OUT + 8 * i, address.value() + step + CallLayout.STEP_RESULT);
    }
  }
}
