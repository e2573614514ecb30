package org.lucos.patcher.guestcall;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.Consumer;
import org.lucos.bridge.addr.AddressRange;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.bridge.domain.PausedGuest;
import org.lucos.bridge.memory.MemoryFaultException;
import org.lucos.patcher.bytes.MalformedDataException;
import org.lucos.patcher.consistency.KnownFrame;
import org.lucos.patcher.consistency.NamedRange;
import org.lucos.patcher.consistency.PreparedCheck;
import org.lucos.patcher.consistency.StackChecker;
import org.lucos.patcher.kernel.RunningKernel;
import org.lucos.patcher.kernel.Task;
import org.lucos.patcher.refusal.BusyRefusal;
import org.lucos.patcher.refusal.RefusedException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Runs kernel functions inside the guest by writing its memory: process context, interrupts on, no
 * locks held, on whichever eligible task passes by first. Nothing in the guest waits for this
 * process: if it dies, hooks that are left run into a record that is taken, and the next controller
 * cleans up.
 *
 * <p>The caller must hold this host's lock on the guest: an area in use is then taken for what a
 * dead controller left behind.
 */
public final class GuestCalls implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(GuestCalls.class);

  /** Like {@link CallLayout#DONE} in its low byte; the next one tells who did it. */
  private static final long CLAIMED_BY_HOST = 0x100 | CallLayout.DONE;

  private static final Duration SETTLE_LIMIT = Duration.ofSeconds(30);
  private static final Duration RUN_LIMIT = Duration.ofMinutes(2);

  private final RunningKernel kernel;
  private final StubSite stub;
  private final CallArea area;
  private final TaskHooks hooks;
  private final Optional<BorrowedWorker> worker;
  private final OptionalInt notifyBit;
  private final Kick kick;
  private final CallReadout readout;
  private final Nudge nudge;
  private List<Task> toKick = List.of();
  private boolean installed;
  private boolean workerHooked;

  private GuestCalls(RunningKernel kernel, Nudge nudge) {
    this.nudge = nudge;
    this.kernel = kernel;
    this.stub = StubSite.find(kernel);
    this.area = CallArea.find(kernel);
    this.hooks = new TaskHooks(kernel, area);
    this.worker = BorrowedWorker.find(kernel);
    this.notifyBit = NotifyBit.find(kernel);
    this.kick = new Kick(kernel, stub, area, hooks);
    this.readout = new CallReadout(kernel, area);
  }

  /** Prepares for calls; writes nothing yet, except to clear away what a dead controller left. */
  public static GuestCalls open(RunningKernel kernel) {
    return open(kernel, Nudge.NONE);
  }

  /** The same with somebody in the guest who may come at once. */
  public static GuestCalls open(RunningKernel kernel, Nudge nudge) {
    GuestCalls calls = new GuestCalls(kernel, nudge);
    if (calls.area.isInUse(kernel)) {
      LOG.warn("a guest call was left unfinished by another controller: clearing it away");
      calls.installed = true;
      calls.close();
    }
    return calls;
  }

  /** Whether another controller is at work in the guest, or died there. Writes nothing. */
  public static boolean isLeftOpen(RunningKernel kernel) {
    return CallArea.find(kernel).isInUse(kernel);
  }

  /**
   * Runs {@code program} in the guest and waits for its results.
   *
   * @param limit how long to wait for a task to take it
   * @param runLimit how long to wait for its end then
   * @throws RefusedException with {@link BusyRefusal.NoCarrier} if none did; everything is taken
   *     back
   * @throws CallUnfinishedException if it was taken and does not end; no other call can be made
   */
  public GuestCallResult call(GuestProgram program, Duration limit, Duration runLimit) {
    long start = System.nanoTime();
    int heads = install(program);
    nudge.come();
    if (awaitTaken(start + limit.toNanos()) && !awaitDone(runLimit)) {
      throw abandoned(program, heads);
    }
    GuestCallResult.Route route = readout.route();
    boolean ran = settle(heads);
    if (!ran) {
      throw new RefusedException(
          new BusyRefusal.NoCarrier(
              program.name() + " waited " + limit.toMillis() + " ms with " + heads + " hooks out"));
    }
    Duration duration = Duration.ofNanos(System.nanoTime() - start);
    GuestCallResult result =
        new GuestCallResult(readout.values(program), readout.carrier(), route, duration);
    nudge.carried(result.carrier());
    LOG.info(
        "guest call: program={}, carrier={}, route={}, ms={}, values={}",
        program.name(),
        result.carrier(),
        route,
        duration.toMillis(),
        result.values().stream().map(Long::toHexString).toList());
    return result;
  }

  /** The same with two minutes for it to end. */
  public GuestCallResult call(GuestProgram program, Duration limit) {
    return call(program, limit, RUN_LIMIT);
  }

  /**
   * Gets tasks that sleep interruptibly out of their system calls, which are restarted, and keeps
   * them at the exit to user mode until {@link #close}, or for five seconds at most. Of more than
   * ten tasks the first ten are taken.
   *
   * @param limit how long to wait for a task to run the call
   * @return how many are out
   * @throws RefusedException with {@link BusyRefusal.NoCarrier}; everything is taken back
   */
  public int kick(List<Task> tasks, Duration limit) {
    if (!kick.isPossible() || kick.isInUse()) {
      throw new RefusedException(
          new BusyRefusal.NoCarrier("tasks cannot be kicked in this guest, or are just now"));
    }
    toKick = List.copyOf(tasks);
    try {
      call(kick.program(), limit);
    } finally {
      toKick = List.of();
    }
    return kick.awaitOut();
  }

  /** What a stack check has to know to see through tasks that are being kept by {@link #kick}. */
  public List<KnownFrame> frames() {
    return List.of(StubCode.frame(stub.address()));
  }

  /** Takes the stub out again when no task is inside of it. */
  @Override
  public void close() {
    if (!installed) {
      return;
    }
    long deadline = System.nanoTime() + SETTLE_LIMIT.toNanos();
    settle(readout.headCount());
    if (kick.isInUse()) {
      kick.letGo(deadline, this::rehearse);
    }
    while (!remove()) {
      if (System.nanoTime() > deadline) {
        LOG.warn("guest call stub stays in place: a task is still inside, or the worker is busy");
        return;
      }
      sleep(20);
    }
    installed = false;
  }

  private int install(GuestProgram program) {
    List<Task> tasks = kernel.tasks().all();
    List<Task> passing =
        notifyBit.isPresent()
            ? Carriers.passing(tasks, CallLayout.MAX_HEADS - 1, nudge.task())
            : List.<Task>of();
    Optional<Task> init = Carriers.init(tasks);
    rehearse(writer -> stage(writer, program, passing, init));
    try (PausedGuest lease = kernel.domain().pause("guest-call")) {
      kernel.boot().require(lease::registers);
      int heads = stage(new GuestWriter(kernel.memory(), lease), program, passing, init);
      lease.commit();
      installed = true;
      LOG.debug("guest call hooked: passing={}, worker={}", heads - 1, workerHooked);
      return heads;
    }
  }

  private void rehearse(Consumer<GuestWriter> work) {
    try {
      work.accept(GuestWriter.rehearsal(kernel.memory()));
    } catch (MemoryFaultException | MalformedDataException e) {
      // The guest runs, and what was looked at may have gone meanwhile: the pause will tell.
      LOG.debug("rehearsal ended early", e);
    }
  }

  /** Writes everything a call needs; rehearsed before the pause, so that it takes little of it. */
  private int stage(
      GuestWriter writer, GuestProgram program, List<Task> passing, Optional<Task> init) {
    if (!installed) {
      byte[] code = StubCode.assemble(area.control());
      writer.replace(stub.address(), stub.fill().bytes(StubCode.SIZE), code);
    }
    List<CallArea.Head> heads = new ArrayList<>();
    heads.add(init.map(hooks::headFor).orElse(new CallArea.Head(0, 0, 0)));
    for (Task task : passing) {
      if (hooks.isStill(task)) {
        heads.add(hooks.headFor(task));
      }
    }
    BorrowedWorker.Setup setup =
        worker.isPresent() && init.isPresent() && hooks.isStill(init.get())
            ? worker.get().setup(init.get())
            : BorrowedWorker.Setup.UNUSED;
    long owner = ProcessHandle.current().pid();
    writer.put(area.address(), area.image(program, stub, owner, heads, setup));
    for (int i = 1; i < heads.size(); i++) {
      hooks.push(writer, i, heads.get(i), notifyBit.orElseThrow());
    }
    if (!toKick.isEmpty()) {
      List<Task> others =
          toKick.stream()
              .filter(task -> passing.stream().noneMatch(p -> p.struct().equals(task.struct())))
              .toList();
      kick.stage(writer, others);
    }
    workerHooked =
        setup.initialState() != CallLayout.OPEN || worker.orElseThrow().hook(writer, stub);
    writer.flush();
    return heads.size();
  }

  private boolean awaitTaken(long deadline) {
    long pause = 1;
    while (stateWhileWaiting() == CallLayout.OPEN) {
      if (System.nanoTime() > deadline) {
        return false;
      }
      hookWorkerLate();
      sleep(pause);
      pause = Math.min(pause + 1, 10);
    }
    return true;
  }

  /** Hooks the worker if it was under way when the call was installed. */
  private void hookWorkerLate() {
    if (workerHooked || !worker.orElseThrow().isResting()) {
      return;
    }
    try (PausedGuest lease = kernel.domain().pause("guest-call")) {
      kernel.boot().require(lease::registers);
      GuestWriter writer = new GuestWriter(kernel.memory(), lease);
      workerHooked = worker.orElseThrow().hook(writer, stub);
      writer.flush();
      lease.commit();
    }
  }

  private boolean awaitDone(Duration runLimit) {
    long deadline = System.nanoTime() + runLimit.toNanos();
    while (stateWhileWaiting() != CallLayout.DONE) {
      if (System.nanoTime() > deadline) {
        return false;
      }
      sleep(1);
    }
    return true;
  }

  /** Takes out what waits; the carrier is inside the stub, which therefore stays. */
  private CallUnfinishedException abandoned(GuestProgram program, int heads) {
    rehearse(writer -> withdraw(writer, heads));
    try (PausedGuest lease = kernel.domain().pause("guest-call")) {
      kernel.boot().require(lease::registers);
      withdraw(new GuestWriter(kernel.memory(), lease), heads);
      lease.commit();
    }
    installed = false;
    int completed = readout.completed();
    return new CallUnfinishedException(program.name(), completed, readout.carrier());
  }

  /**
   * Takes all hooks out; afterwards nothing in the guest refers to the area.
   *
   * @return whether the program ran
   */
  private boolean settle(int heads) {
    long deadline = System.nanoTime() + SETTLE_LIMIT.toNanos();
    while (true) {
      rehearse(writer -> withdraw(writer, heads));
      try (PausedGuest lease = kernel.domain().pause("guest-call")) {
        kernel.boot().require(lease::registers);
        List<Integer> inFlight = withdraw(new GuestWriter(kernel.memory(), lease), heads);
        lease.commit();
        if (inFlight.isEmpty()) {
          return readout.isTaken();
        }
      }
      if (System.nanoTime() > deadline) {
        installed = false;
        throw new RefusedException(
            new BusyRefusal.GuestCallInProgress(
                "a call that began there has not ended; carrier " + readout.carrier()));
      }
      sleep(5);
    }
  }

  /** Takes out what can be taken out now; returns the heads that cannot. */
  private List<Integer> withdraw(GuestWriter writer, int heads) {
    claim(writer, area.record().plus(CallLayout.RECORD_STATE));
    claim(writer, area.control().plus(CallLayout.CONTROL_STATE));
    boolean workerDone = unhookWorker(writer);
    writer.flush();
    return workerDone ? hooks.withdraw(writer, heads, workerLinkedHead()) : List.of(0);
  }

  /** Takes an open state away from the guest, so that whoever comes late does nothing. */
  private void claim(GuestWriter writer, GuestVirtualAddress state) {
    if (kernel.memory().u8(state) == CallLayout.OPEN) {
      writer.replaceWord(state, CallLayout.OPEN, CLAIMED_BY_HOST);
    }
  }

  private boolean unhookWorker(GuestWriter writer) {
    if (worker.isEmpty()) {
      return true;
    }
    boolean running =
        kernel.memory().u8(area.control().plus(CallLayout.CONTROL_STATE)) == CallLayout.TAKEN;
    if (running || !worker.get().isResting()) {
      return false;
    }
    worker.get().unhook(writer, stub);
    return true;
  }

  /** Whether the borrowed worker has put head 0 on init's list. */
  private boolean workerLinkedHead() {
    GuestVirtualAddress control = area.control();
    return kernel.memory().u64(control.plus(CallLayout.CONTROL_STATE)) == CallLayout.DONE
        && kernel.memory().u64(control.plus(CallLayout.CONTROL_TASK)) != 0
        && kernel.memory().u64(control.plus(CallLayout.CONTROL_RESULT)) == 0;
  }

  private boolean remove() {
    AddressRange code = new AddressRange(stub.address(), StubCode.SIZE);
    PreparedCheck check =
        new StackChecker(kernel).prepare(List.of(new NamedRange("guest call stub", code)));
    try (PausedGuest lease = kernel.domain().pause("guest-call")) {
      kernel.boot().require(lease::registers);
      boolean workerMoves = worker.isPresent() && !worker.get().isResting();
      boolean kicked = kick.isInUse();
      if (workerMoves || kick.isUnfinished() || !check.check(lease.registers()).isClear()) {
        return false;
      }
      GuestWriter writer = new GuestWriter(kernel.memory(), lease);
      writer.put(stub.address(), stub.fill().bytes(StubCode.SIZE));
      writer.put(area.address(), new byte[CallLayout.SIZE]);
      if (kicked) {
        kick.clear(writer);
      }
      writer.flush();
      lease.commit();
      return true;
    }
  }

  /** A guest that reboots is not waited for. */
  private int stateWhileWaiting() {
    kernel.boot().require();
    return readout.state();
  }

  static void sleep(long milliseconds) {
    try {
      Thread.sleep(milliseconds);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while waiting for the guest", e);
    }
  }
}
