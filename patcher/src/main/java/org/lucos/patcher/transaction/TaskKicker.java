package org.lucos.patcher.transaction;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.lucos.bridge.memory.MemoryFaultException;
import org.lucos.patcher.bytes.MalformedDataException;
import org.lucos.patcher.consistency.KnownFrame;
import org.lucos.patcher.guestcall.GuestCalls;
import org.lucos.patcher.guestcall.Nudge;
import org.lucos.patcher.kernel.RunningKernel;
import org.lucos.patcher.kernel.Task;
import org.lucos.patcher.kernel.TaskCondition;
import org.lucos.patcher.refusal.RefusedException;
import org.lucos.patcher.refusal.Straggler;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Kicks tasks that sleep interruptibly inside, when waiting did not do. */
final class TaskKicker implements Kicker {
  private static final Logger LOG = LoggerFactory.getLogger(TaskKicker.class);

  /** Livepatch signals its stragglers every 15 seconds; users wait for this. */
  private static final Duration BETWEEN = Duration.ofSeconds(8);

  private static final Duration CARRIER_LIMIT = Duration.ofSeconds(10);

  private final RunningKernel kernel;
  private final Nudge nudge;
  private final Duration after;
  private Duration next;
  private @Nullable GuestCalls calls;

  /**
   * @param after how long to wait before the first kick
   */
  TaskKicker(RunningKernel kernel, Nudge nudge, Duration after) {
    this.kernel = kernel;
    this.nudge = nudge;
    this.after = after;
    this.next = after;
  }

  @Override
  public Optional<String> help(List<Straggler> inside, Duration waited) {
    if (waited.compareTo(next) < 0) {
      return Optional.empty();
    }
    next = waited.plus(after.compareTo(BETWEEN) > 0 ? after : BETWEEN);
    List<Task> tasks = sleepers(inside);
    if (tasks.isEmpty()) {
      return Optional.empty();
    }
    close();
    GuestCalls open = GuestCalls.open(kernel, nudge);
    calls = open;
    String who = tasks.stream().map(Task::label).collect(Collectors.joining(", "));
    try {
      return Optional.of("kicked " + who + ": " + open.kick(tasks, CARRIER_LIMIT) + " came out");
    } catch (RefusedException e) {
      LOG.info("not kicked: {}: {}", who, e.refusal().message());
      close();
      return Optional.empty();
    }
  }

  private List<Task> sleepers(List<Straggler> inside) {
    Set<Integer> pids = inside.stream().map(Straggler::pid).collect(Collectors.toSet());
    try {
      return kernel.tasks().all().stream()
          .filter(task -> pids.contains(task.pid()))
          .filter(task -> TaskCondition.of(task) == TaskCondition.SLEEPS_INTERRUPTIBLY)
          .toList();
    } catch (MalformedDataException | MemoryFaultException e) {
      LOG.debug("task list was torn while it was read", e);
      return List.of();
    }
  }

  @Override
  public List<KnownFrame> frames() {
    return calls == null ? List.of() : calls.frames();
  }

  @Override
  public void close() {
    GuestCalls open = calls;
    calls = null;
    if (open != null) {
      open.close();
    }
  }
}
