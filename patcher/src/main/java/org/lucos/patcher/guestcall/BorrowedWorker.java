package org.lucos.patcher.guestcall;

import java.util.Optional;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.patcher.kernel.KernelSymbol;
import org.lucos.patcher.kernel.RunningKernel;
import org.lucos.patcher.kernel.Task;

/**
 * The kernel worker that is borrowed to wake a task in an idle guest. {@code shepherd}
 * (mm/vmstat.c) is a delayed work that runs once a second on any SMP kernel, however idle. Its
 * function pointer is redirected to the stub for one activation; the stub goes on to the original
 * function.
 *
 * <p>While the work's timer is pending, no worker holds the function pointer: it is read after the
 * timer fired, and the timer is armed again by the function itself. Hook and stub are only changed
 * in that state.
 */
final class BorrowedWorker {
  private final RunningKernel kernel;
  private final GuestVirtualAddress function;
  private final GuestVirtualAddress timerPending;
  private final GuestVirtualAddress original;

  private BorrowedWorker(
      RunningKernel kernel,
      GuestVirtualAddress function,
      GuestVirtualAddress timerPending,
      GuestVirtualAddress original) {
    this.kernel = kernel;
    this.function = function;
    this.timerPending = timerPending;
    this.original = original;
  }

  /**
   * What the control block holds.
   *
   * @param initialState {@link CallLayout#OPEN} to use the worker, {@link CallLayout#DONE} not to
   */
  record Setup(
      long initialState, long task, long notifyMode, long taskWorkAdd, long originalFunction) {
    static final Setup UNUSED = new Setup(CallLayout.DONE, 0, 0, 0, 0);
  }

  static Optional<BorrowedWorker> find(RunningKernel kernel) {
    Optional<KernelSymbol> work = kernel.symbols().find("shepherd");
    Optional<KernelSymbol> original = kernel.symbols().find("vmstat_shepherd");
    if (work.isEmpty() || original.isEmpty() || kernel.symbols().find("task_work_add").isEmpty()) {
      return Optional.empty();
    }
    GuestVirtualAddress base = work.get().address();
    var layout = kernel.types().struct("delayed_work");
    return Optional.of(
        new BorrowedWorker(
            kernel,
            base.plus(layout.field("work.func").offset()),
            base.plus(layout.field("timer.entry.pprev").offset()),
            original.get().address()));
  }

  /** Whether the work waits for its timer, so that no worker has read the function pointer. */
  boolean isResting() {
    return !kernel.memory().pointer(timerPending).isNull();
  }

  Setup setup(Task task) {
    return new Setup(
        CallLayout.OPEN,
        task.struct().value(),
        kernel.types().enumerator("TWA_SIGNAL"),
        kernel.symbols().address("task_work_add").value(),
        original.value());
  }

  /** Points the work at the stub; says whether it did (the work may be under way, or foreign). */
  boolean hook(GuestWriter writer, StubSite stub) {
    if (!isResting() || !kernel.memory().pointer(function).equals(original)) {
      return false;
    }
    writer.replaceWord(function, original.value(), stub.address().plus(StubCode.BORROWED).value());
    return true;
  }

  /** Points the work back at its own function, if it is ours. */
  void unhook(GuestWriter writer, StubSite stub) {
    long ours = stub.address().plus(StubCode.BORROWED).value();
    if (kernel.memory().u64(function) == ours) {
      writer.replaceWord(function, ours, original.value());
    }
  }
}
