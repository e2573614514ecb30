package org.lucos.patcher.guestcall;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.Consumer;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.bridge.domain.PausedGuest;
import org.lucos.bridge.memory.MemoryFaultException;
import org.lucos.patcher.bytes.MalformedDataException;
import org.lucos.patcher.kernel.KernelSymbol;
import org.lucos.patcher.kernel.RunningKernel;
import org.lucos.patcher.kernel.Task;
import org.lucos.patcher.kernel.TaskCondition;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Gets tasks that sleep interruptibly out of their system calls and keeps them at the exit to user
 * mode for a few seconds at most.
 *
 * <p>As livepatch does for its stragglers ({@code klp_send_signals()} in
 * kernel/livepatch/transition.c), TIF_NOTIFY_SIGNAL is set and the task woken: it unwinds as for a
 * signal, finds none, and its system call is restarted. Livepatch can then switch that one task; a
 * switch of all tasks at once needs them to stay out. So each has a task work that sleeps, several
 * times, and goes on when its time is up or the controller has taken the next sleep away.
 *
 * <p>A head that has not run keeps its task from ending ({@code exit_task_work()}), so it can be
 * taken off. The task that is to be woken is held by a reference, taken in the pause that hooks it
 * and given back by {@code wake_up_q()}.
 */
final class Kick {
  private static final Logger LOG = LoggerFactory.getLogger(Kick.class);

  /** How long a task stays out, together. */
  private static final List<Long> SLEEPS = List.of(500L, 1000L, 1500L, 2000L);

  private static final Duration COMING_OUT = Duration.ofSeconds(2);

  private final RunningKernel kernel;
  private final StubSite stub;
  private final TaskHooks hooks;
  private final Optional<KickArea> area;
  private final Optional<KickArea.Functions> functions;
  private final OptionalInt signalBit;
  private final long usageField;

  Kick(RunningKernel kernel, StubSite stub, CallArea calls, TaskHooks hooks) {
    this.kernel = kernel;
    this.stub = stub;
    this.hooks = hooks;
    this.area = KickArea.find(kernel, calls);
    this.functions = functions(kernel);
    this.signalBit = NotifyBit.findSignal(kernel);
    this.usageField = kernel.types().struct("task_struct").field("usage.refs.counter").offset();
  }

  private static Optional<KickArea.Functions> functions(RunningKernel kernel) {
    Optional<Long> sleep = address(kernel, "msleep");
    Optional<Long> queue = address(kernel, "wake_q_add_safe");
    Optional<Long> wake = address(kernel, "wake_up_q");
    return sleep.isPresent() && queue.isPresent() && wake.isPresent()
        ? Optional.of(new KickArea.Functions(sleep.get(), queue.get(), wake.get()))
        : Optional.empty();
  }

  private static Optional<Long> address(RunningKernel kernel, String name) {
    return kernel.symbols().find(name).map(KernelSymbol::address).map(GuestVirtualAddress::value);
  }

  /** Whether this kernel has what it takes. */
  boolean isPossible() {
    return area.isPresent() && functions.isPresent() && signalBit.isPresent();
  }

  boolean isInUse() {
    return area.isPresent() && area.get().isInUse(kernel);
  }

  /** What a guest call has to run to wake the tasks that {@link #stage} hooked. */
  GuestProgram program() {
    GuestProgram.Builder program = GuestProgram.named("kick");
    program.call(
        stub.address().plus(StubCode.PROGRAM),
        new GuestProgram.Constant(area.orElseThrow().waker().value()));
    return program.build();
  }

  /** Hooks those of the tasks that still sleep interruptibly; in the pause that installs a call. */
  void stage(GuestWriter writer, List<Task> tasks) {
    KickArea place = area.orElseThrow();
    List<CallArea.Head> heads = new ArrayList<>();
    for (Task task : tasks) {
      if (heads.size() < KickLayout.MAX_TASKS && isStill(task)) {
        heads.add(hooks.headFor(task));
      }
    }
    writer.put(place.address(), place.image(heads, stub, functions.orElseThrow(), SLEEPS));
    for (int i = 0; i < heads.size(); i++) {
      hooks.push(writer, place.park(i), heads.get(i), signalBit.orElseThrow());
      addReference(writer, new GuestVirtualAddress(heads.get(i).task()), 1);
    }
  }

  /** A task that was freed has no references left, whatever else its memory still says. */
  private boolean isStill(Task task) {
    try {
      Task now = kernel.tasks().at(task.struct());
      return now.pid() == task.pid()
          && now.mm().equals(task.mm())
          && now.stack().equals(task.stack())
          && !now.onCpu()
          && TaskCondition.of(now) == TaskCondition.SLEEPS_INTERRUPTIBLY
          && kernel.memory().i32(task.struct().plus(usageField)) > 0;
    } catch (MalformedDataException | MemoryFaultException e) {
      return false; // it is gone, and its memory is something else's
    }
  }

  private void addReference(GuestWriter writer, GuestVirtualAddress task, int change) {
    int now = kernel.memory().i32(task.plus(usageField));
    writer.replace(task.plus(usageField), word(now), word(now + change));
  }

  private static byte[] word(int value) {
    return Words.buffer(Integer.BYTES).putInt(value).array();
  }

  /** How many tasks were hooked. */
  int count() {
    long count = kernel.memory().u64(area.orElseThrow().address().plus(KickLayout.COUNT));
    return (int) Math.max(0, Math.min(count, KickLayout.MAX_TASKS));
  }

  /** How many of them have left their system call and are being kept. */
  int parked() {
    int parked = 0;
    for (int i = 0; i < count(); i++) {
      GuestVirtualAddress record = area.orElseThrow().park(i).plus(CallLayout.HEAD_SIZE);
      if (kernel.memory().u8(record.plus(CallLayout.RECORD_STATE)) == CallLayout.TAKEN) {
        parked++;
      }
    }
    return parked;
  }

  /** How many heads have not run to their end. */
  int unfinished() {
    int unfinished = 0;
    for (int i = 0; i < count(); i++) {
      if (hooks.state(area.orElseThrow().park(i)) != CallLayout.DONE) {
        unfinished++;
      }
    }
    return unfinished;
  }

  /**
   * Takes off what has not run and lets the others go.
   *
   * @return how many tasks are still inside
   */
  int withdraw(GuestWriter writer) {
    giveBackReferences(writer);
    int inside = 0;
    for (int i = 0; i < count(); i++) {
      GuestVirtualAddress head = area.orElseThrow().park(i);
      if (hooks.state(head) != CallLayout.DONE && !hooks.unlink(writer, head)) {
        endSleeps(writer, i);
        inside++;
      }
    }
    writer.flush();
    return inside;
  }

  /** The sleep it is in is its last. */
  private void endSleeps(GuestWriter writer, int index) {
    for (int sleep = 0; sleep < KickLayout.SLEEPS; sleep++) {
      int step = KickLayout.step(KickLayout.park(index), sleep);
      GuestVirtualAddress function = area.orElseThrow().address().plus(step);
      long now = kernel.memory().u64(function);
      if (now != 0) {
        writer.replaceWord(function, now, 0);
      }
    }
  }

  /** Those that nobody was there to give back: the program was not taken. */
  private void giveBackReferences(GuestWriter writer) {
    GuestVirtualAddress state =
        area.orElseThrow().waker().plus(CallLayout.HEAD_SIZE + CallLayout.RECORD_STATE);
    if (kernel.memory().u8(state) != CallLayout.OPEN) {
      return;
    }
    writer.put(state, Words.bytes(CallLayout.DONE));
    for (int i = 0; i < count(); i++) {
      GuestVirtualAddress task =
          kernel.memory().pointer(area.orElseThrow().park(i).plus(CallLayout.HEAD_TASK));
      if (kernel.memory().i32(task.plus(usageField)) > 1) {
        addReference(writer, task, -1);
      } else {
        LOG.warn("a task that ended while it was to be kicked stays allocated: at={}", task);
      }
    }
    writer.flush();
  }

  /**
   * Waits for those that were woken to come out, for a while.
   *
   * @return how many are out
   */
  int awaitOut() {
    long deadline = System.nanoTime() + COMING_OUT.toNanos();
    while (parked() < unfinished() && System.nanoTime() < deadline) {
      GuestCalls.sleep(5);
    }
    LOG.info("kicked: tasks={}, out={}", count(), parked());
    return parked();
  }

  /** Has kicked tasks go on, and takes back what has not reached its task. */
  void letGo(long deadline, Consumer<Consumer<GuestWriter>> rehearse) {
    int inside;
    do {
      rehearse.accept(this::withdraw);
      try (PausedGuest lease = kernel.domain().pause("guest-call")) {
        kernel.boot().require(lease::registers);
        inside = withdraw(new GuestWriter(kernel.memory(), lease));
        lease.commit();
      }
      while (inside > 0 && unfinished() > 0 && System.nanoTime() < deadline) {
        GuestCalls.sleep(10);
      }
    } while (inside > 0 && System.nanoTime() < deadline);
  }

  /** Whether a task still has to do with it. */
  boolean isUnfinished() {
    return isInUse() && unfinished() > 0;
  }

  /** Clears the area, once nothing refers to it. */
  void clear(GuestWriter writer) {
    writer.put(area.orElseThrow().address(), new byte[KickLayout.SIZE]);
  }
}
