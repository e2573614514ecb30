package org.lucos.patcher.guestcall;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.patcher.kernel.RunningKernel;
import org.lucos.patcher.refusal.GuestRefusal;
import org.lucos.patcher.refusal.RefusedException;

/**
 * The writable memory a guest call works in: a stretch near the far end of the boot CPU's idle
 * stack. That stack is part of the kernel image and never freed, is 16 KB long, and after boot
 * holds a few hundred bytes at its other end: interrupts have stacks of their own.
 *
 * @param address the first byte of {@link CallLayout#SIZE}
 */
record CallArea(GuestVirtualAddress address) {
  private static final int STEP = 0x100;
  private static final int STACK = 16 * 1024;

  /** Finds an area that is in use by a call, or else one that holds nothing but zeros. */
  static CallArea find(RunningKernel kernel) {
    GuestVirtualAddress initTask = kernel.symbols().address("init_task");
    GuestVirtualAddress stack =
        kernel
            .memory()
            .pointer(initTask.plus(kernel.types().struct("task_struct").field("stack").offset()));
    byte[] lowerHalf = kernel.memory().bytes(stack, STACK / 2);
    ByteBuffer words = ByteBuffer.wrap(lowerHalf).order(ByteOrder.LITTLE_ENDIAN);
    for (int at = STEP; at + CallLayout.SIZE <= lowerHalf.length; at += STEP) {
      if (words.getLong(at) == CallLayout.MAGIC) {
        return new CallArea(stack.plus(at));
      }
    }
    for (int at = STEP; at + CallLayout.SIZE <= lowerHalf.length; at += STEP) {
      if (isZero(lowerHalf, at, at + CallLayout.SIZE)) {
        return new CallArea(stack.plus(at));
      }
    }
    throw new RefusedException(
        new GuestRefusal.KernelNotFound(
            kernel.domain().identity().name(), "its idle stack has no unused room"));
  }

  GuestVirtualAddress control() {
    return address.plus(CallLayout.CONTROL);
  }

  GuestVirtualAddress record() {
    return address.plus(CallLayout.RECORD);
  }

  GuestVirtualAddress head(int index) {
    return address.plus(CallLayout.head(index));
  }

  boolean isInUse(RunningKernel kernel) {
    return kernel.memory().u64(address) == CallLayout.MAGIC;
  }

  /**
   * The whole area as it must be when a call begins.
   *
   * @param heads the tasks to hook; head 0 belongs to the borrowed worker
   */
  byte[] image(
      GuestProgram program,
      StubSite stub,
      long owner,
      List<Head> heads,
      BorrowedWorker.Setup worker) {
    byte[] image = new byte[CallLayout.SIZE];
    ByteBuffer area = ByteBuffer.wrap(image).order(ByteOrder.LITTLE_ENDIAN);
    area.putLong(0, CallLayout.MAGIC);
    area.putLong(CallLayout.OWNER, owner);
    area.putLong(CallLayout.HEAD_COUNT, heads.size());

    area.putLong(CallLayout.CONTROL + CallLayout.CONTROL_STATE, worker.initialState());
    area.putLong(CallLayout.CONTROL + CallLayout.CONTROL_TASK, worker.task());
    area.putLong(CallLayout.CONTROL + CallLayout.CONTROL_HEAD, head(0).value());
    area.putLong(CallLayout.CONTROL + CallLayout.CONTROL_MODE, worker.notifyMode());
    area.putLong(CallLayout.CONTROL + CallLayout.CONTROL_FUNCTION, worker.taskWorkAdd());
    area.putLong(CallLayout.CONTROL + CallLayout.CONTROL_ORIGINAL, worker.originalFunction());

    int[] blobs = placeBlobs(program, area);
    for (int i = 0; i < program.calls().size(); i++) {
      putStep(program, i, blobs, area);
    }
    for (int i = 0; i < heads.size(); i++) {
      int at = CallLayout.head(i);
      area.putLong(at + CallLayout.HEAD_NEXT, heads.get(i).next());
      area.putLong(at + CallLayout.HEAD_FUNC, stub.address().plus(StubCode.PROGRAM).value());
      area.putLong(at + CallLayout.HEAD_RECORD, record().value());
      area.putLong(at + CallLayout.HEAD_MM_FIELD, heads.get(i).mmField());
      area.putLong(at + CallLayout.HEAD_TASK, heads.get(i).task());
    }
    return image;
  }

  /** What goes into a head: the task, where its {@code mm} is, and the next work of that task. */
  record Head(long task, long mmField, long next) {}

  private static int[] placeBlobs(GuestProgram program, ByteBuffer area) {
    int[] offsets = new int[program.data().size()];
    int next = CallLayout.DATA;
    for (int i = 0; i < offsets.length; i++) {
      byte[] bytes = program.data().get(i).bytes();
      if (bytes.length > CallLayout.SIZE - next) {
        throw new IllegalArgumentException(
            "program data too large: program="
                + program.name()
                + ", limit="
                + CallLayout.DATA_SIZE);
      }
      offsets[i] = next;
      area.put(next, bytes);
      next += (bytes.length + 15) & -16;
    }
    return offsets;
  }

  private void putStep(GuestProgram program, int index, int[] blobs, ByteBuffer area) {
    if (index >= CallLayout.MAX_STEPS) {
      throw new IllegalArgumentException("program too long: " + program.name());
    }
    GuestProgram.Call call = program.calls().get(index);
    int step = CallLayout.step(index);
    area.putLong(step + CallLayout.STEP_FUNCTION, call.function().value());
    for (int i = 0; i < call.arguments().size(); i++) {
      long value =
          switch (kind(call.arguments().get(i))) {
            case CONSTANT -> ((GuestProgram.Constant) call.arguments().get(i)).value();
            case ADDRESS -> {
              GuestProgram.Address blob = (GuestProgram.Address) call.arguments().get(i);
              yield address.plus(blobs[blob.blob()] + blob.offset()).value();
            }
            case RESULT -> 0; // written by the step that it comes from
          };
      area.putLong(step + CallLayout.STEP_ARGUMENTS + 8 * i, value);
    }
    long[] outs = new long[CallLayout.STEP_OUTS];
    Arrays.fill(outs, address.plus(step + CallLayout.STEP_RESULT).value());
    int used = 0;
    for (int later = index + 1; later < program.calls().size(); later++) {
      List<GuestProgram.Argument> arguments = program.calls().get(later).arguments();
      for (int i = 0; i < arguments.size(); i++) {
        if (arguments.get(i).equals(new GuestProgram.Result(index))) {
          outs[used++] =
              address.plus(CallLayout.step(later) + CallLayout.STEP_ARGUMENTS + 8 * i).value();
        }
      }
    }
    for (GuestProgram.Store store : program.stores()) {
      if (store.call() == index) {
        outs[used++] = address.plus(blobs[store.blob()] + store.offset()).value();
      }
    }
    for (int i = 0; i < outs.length; i++) {
      area.putLong(step + CallLayout.STEP_OUT + 8 * i, outs[i]);
    }
  }

  private enum Kind {
    CONSTANT,
    ADDRESS,
    RESULT
  }

  private static Kind kind(GuestProgram.Argument argument) {
    if (argument instanceof GuestProgram.Constant) {
      return Kind.CONSTANT;
    }
    return argument instanceof GuestProgram.Address ? Kind.ADDRESS : Kind.RESULT;
  }

  static boolean isZero(byte[] bytes, int from, int to) {
    for (int i = from; i < to; i++) {
      if (bytes[i] != 0) {
        return false;
      }
    }
    return true;
  }
}
