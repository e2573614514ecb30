package org.lucos.patcher.guestcall;

import java.util.ArrayList;
import java.util.List;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.bridge.memory.MemoryFaultException;
import org.lucos.patcher.bytes.MalformedDataException;
import org.lucos.patcher.kernel.BtfTypes;
import org.lucos.patcher.kernel.RunningKernel;
import org.lucos.patcher.kernel.StructLayout;
import org.lucos.patcher.kernel.Task;

/**
 * Puts callback heads on {@code task_struct.task_works} and takes them off again, with the guest
 * paused. Adding is what task_work_add() does: the head is pushed in front and the task's
 * TIF_NOTIFY_RESUME is set.
 */
final class TaskHooks {
  private static final int MAX_WORKS = 256;

  private final RunningKernel kernel;
  private final CallArea area;
  private final long flagsField;
  private final long worksField;
  private final long mmField;
  private final long piLockField;

  TaskHooks(RunningKernel kernel, CallArea area) {
    this.kernel = kernel;
    this.area = area;
    BtfTypes types = kernel.types();
    StructLayout task = types.struct("task_struct");
    flagsField = task.field("thread_info.flags").offset();
    worksField = task.field("task_works").offset();
    mmField = task.field("mm").offset();
    piLockField = task.field("pi_lock").offset();
  }

  /** The head for a task, as it will stand in front of the works it has now. */
  CallArea.Head headFor(Task task) {
    return new CallArea.Head(
        task.struct().value(),
        task.struct().plus(mmField).value(),
        kernel.memory().u64(task.taskWorksAt()));
  }

  /** Whether the task is still the one that was chosen before the pause. */
  boolean isStill(Task task) {
    try {
      Task now = kernel.tasks().at(task.struct());
      return now.pid() == task.pid() && now.mm().equals(task.mm()) && Carriers.mayCarry(now);
    } catch (MalformedDataException | MemoryFaultException e) {
      return false; // it is gone, and its memory is something else's
    }
  }

  /** Pushes head {@code index}, already written with the right {@code next}, onto its task. */
  void push(GuestWriter writer, int index, CallArea.Head head, int notifyBit) {
    push(writer, area.head(index), head, notifyBit);
  }

  /** The same for a head that is elsewhere. */
  void push(GuestWriter writer, GuestVirtualAddress at, CallArea.Head head, int notifyBit) {
    GuestVirtualAddress task = new GuestVirtualAddress(head.task());
    writer.replaceWord(task.plus(worksField), head.next(), at.value());
    long flags = kernel.memory().u64(task.plus(flagsField));
    writer.replaceWord(task.plus(flagsField), flags, flags | (1L << notifyBit));
  }

  /**
   * Takes every head off that has not run.
   *
   * @return the heads that are neither run nor found: a task has taken them off its list and is
   *     about to run them, so the guest must go on for a moment
   */
  List<Integer> withdraw(GuestWriter writer, int heads, boolean firstIsLinked) {
    List<Integer> inFlight = new ArrayList<>();
    for (int i = firstIsLinked ? 0 : 1; i < heads; i++) {
      if (state(i) != CallLayout.DONE && !unlink(writer, area.head(i))) {
        inFlight.add(i);
      }
    }
    return inFlight;
  }

  int state(int index) {
    return state(area.head(index));
  }

  int state(GuestVirtualAddress head) {
    return kernel.memory().u8(head.plus(CallLayout.HEAD_STATE));
  }

  /**
   * Takes a head that has not run off its task, which therefore is alive.
   *
   * @return whether it did; if not, the task has it in hand or its list is being walked
   */
  boolean unlink(GuestWriter writer, GuestVirtualAddress head) {
    GuestVirtualAddress task = kernel.memory().pointer(head.plus(CallLayout.HEAD_TASK));
    if (kernel.memory().u32(task.plus(piLockField)) != 0) {
      return false; // task_work_cancel() may be walking the list
    }
    GuestVirtualAddress link = task.plus(worksField);
    for (int steps = 0; ; steps++) {
      if (steps > MAX_WORKS) {
        throw new MalformedDataException(
            "guest task_works of task " + task, link.value(), "list does not end");
      }
      GuestVirtualAddress next = kernel.memory().pointer(link);
      if (next.equals(head)) {
        writer.replaceWord(link, head.value(), kernel.memory().u64(head));
        writer.put(head.plus(CallLayout.HEAD_STATE), Words.bytes(CallLayout.DONE));
        writer.flush(); // the next head may hang on this link
        return true;
      }
      if (next.isNull()) {
        return false;
      }
      link = next;
    }
  }
}
