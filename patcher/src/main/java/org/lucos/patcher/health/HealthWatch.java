package org.lucos.patcher.health;

import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.LongSupplier;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.bridge.domain.DomainState;
import org.lucos.bridge.memory.MemoryFaultException;
import org.lucos.patcher.bytes.MalformedDataException;
import org.lucos.patcher.consistency.Backtrace;
import org.lucos.patcher.consistency.StackChecker;
import org.lucos.patcher.health.PatchedCode.Nearness;
import org.lucos.patcher.kernel.LogReading;
import org.lucos.patcher.kernel.RunningKernel;
import org.lucos.patcher.kernel.Task;

/**
 * Watches a guest that runs, look by look, against how it was before. Nothing is paused or written.
 * What speaks against a patch:
 *
 * <ul>
 *   <li>an oops, BUG or WARN in patched code, or with patched code among its callers;
 *   <li>a lockup, RCU stall or panic anywhere;
 *   <li>taint gained that tells of trouble, unless a warning elsewhere explains it;
 *   <li>a task that sleeps uninterruptibly in patched code and has not run for a while;
 *   <li>a guest that left its boot.
 * </ul>
 */
public final class HealthWatch {
  private static final int MOST_RECORDS = 20_000;
  private static final int MOST_STUCK = 50;

  /** As long as the kernel itself waits before it says that a CPU is stuck. */
  private static final Duration STILL = Duration.ofSeconds(20);

  /** Between looks at CPUs lies nothing that would not be noticed within this. */
  private static final Duration BLINK = Duration.ofSeconds(2);

  private final RunningKernel kernel;
  private final HealthBaseline baseline;
  private final PatchedCode code;
  private final Duration stuckAfter;
  private final LongSupplier clock;
  private final long start;
  private final StackChecker stacks;
  private final LogClassifier log = new LogClassifier();
  private final HungTasks tasks = new HungTasks();
  private final Map<GuestVirtualAddress, Symptom> stuck = new LinkedHashMap<>();
  private final StillCpus cpus = new StillCpus();
  private final Map<Integer, Symptom> still = new TreeMap<>();
  private long lastLook;
  private long next;
  private long taint;
  private long lost;
  private int looks;
  private int blind;
  private Optional<String> gone = Optional.empty();

  /**
   * @param code what is watched in particular
   * @param stuckAfter for how long a task must sleep uninterruptibly in it to be called stuck
   * @param clock nanoseconds that only go forward
   */
  public HealthWatch(
      RunningKernel kernel,
      HealthBaseline baseline,
      PatchedCode code,
      Duration stuckAfter,
      LongSupplier clock) {
    this.kernel = kernel;
    this.baseline = baseline;
    this.code = code;
    this.stuckAfter = stuckAfter;
    this.clock = clock;
    this.start = clock.getAsLong();
    this.stacks = new StackChecker(kernel);
    this.next = baseline.seq();
    this.taint = baseline.taint();
  }

  /** Looks at the guest, and says how it is as far as is known now. */
  public HealthVerdict look() {
    looks++;
    kernel.memory().forgetTranslations();
    try {
      LogReading reading = kernel.log().read(next, MOST_RECORDS);
      log.add(reading.records());
      next = reading.next();
      lost += reading.lost() + reading.damaged();
      taint |= kernel.condition().taint();
      lookAtTasks();
      lookAtCpus();
    } catch (MalformedDataException | MemoryFaultException e) {
      blind++; // it runs, or it is gone, which is asked next
    }
    gone = kernel.boot().whyGone();
    return verdict();
  }

  private void lookAtTasks() {
    long now = clock.getAsLong();
    List<Task> suspects = new ArrayList<>();
    Map<GuestVirtualAddress, Duration> since = new LinkedHashMap<>();
    for (HungTasks.Hung hung : tasks.look(kernel.tasks().all(), now)) {
      GuestVirtualAddress struct = hung.task().struct();
      boolean due = hung.seen().compareTo(stuckAfter) >= 0 && !stuck.containsKey(struct);
      if (due && stuck.size() + suspects.size() < MOST_STUCK) {
        suspects.add(hung.task());
        since.put(struct, hung.seen());
      }
    }
    if (suspects.isEmpty()) {
      return;
    }
    List<Backtrace> traces = stacks.backtraces(suspects);
    for (int i = 0; i < suspects.size(); i++) {
      Task task = suspects.get(i);
      Duration seen = Optional.ofNullable(since.get(task.struct())).orElse(stuckAfter);
      stuck.put(task.struct(), stuck(task, seen, traces.get(i)));
    }
  }

  private void lookAtCpus() {
    long now = clock.getAsLong();
    if (now - lastLook > BLINK.toNanos() || kernel.domain().state() != DomainState.RUNNING) {
      cpus.forget(); // nobody looked, or somebody paused it
    }
    lastLook = now;
    for (StillCpus.Still cpu : cpus.look(kernel.scheduler().queues(), now)) {
      if (cpu.since().compareTo(STILL) >= 0) {
        still.computeIfAbsent(
            cpu.cpu(),
            number ->
                general(
                    TroubleKind.HARD_LOCKUP.label(),
                    "CPU " + number + " takes no interrupts for " + STILL.toSeconds() + " s"));
      }
    }
  }

  private Symptom stuck(Task task, Duration seen, Backtrace backtrace) {
    List<TraceFrame> frames =
        backtrace.frames().stream().flatMap(f -> TraceFrame.in(f.symbol()).stream()).toList();
    Optional<TraceFrame> place = frames.stream().filter(code::holds).findFirst();
    boolean inside = place.isPresent();
    return new Symptom(
        "stuck-task",
        String.format(
            Locale.ROOT,
            "%s (pid %d) sleeps uninterruptibly and has not run for %.1f s",
            task.comm(),
            task.pid(),
            seen.toMillis() / 1000.0),
        place.map(TraceFrame::toString).orElse(""),
        where(inside ? Nearness.INSIDE : Nearness.ELSEWHERE),
        inside,
        "",
        -1,
        backtrace.frames().stream().map(Backtrace.Frame::symbol).toList());
  }

  private HealthVerdict verdict() {
    List<Symptom> symptoms = new ArrayList<>();
    gone.ifPresent(why -> symptoms.add(general("guest-gone", why)));
    List<Trouble> troubles = log.troubles();
    troubles.forEach(trouble -> symptoms.add(symptom(trouble)));
    boolean explained =
        troubles.stream().anyMatch(t -> t.kind() == TroubleKind.WARN)
            && troubles.stream().noneMatch(t -> symptom(t).against());
    for (Taint gained : Taint.of(taint & ~baseline.taint())) {
      if (gained.isTrouble() && !(explained && gained == Taint.WARNED)) {
        symptoms.add(general("taint", gained.letter() + ": " + gained.meaning()));
      }
    }
    symptoms.addAll(stuck.values());
    symptoms.addAll(still.values());
    List<String> notes = new ArrayList<>();
    if (lost > 0) {
      notes.add(lost + " messages of the log could not be read");
    }
    if (blind > 0) {
      notes.add(blind + " of " + looks + " looks made no sense of the guest's memory");
    }
    return new HealthVerdict(symptoms, looks, Duration.ofNanos(clock.getAsLong() - start), notes);
  }

  private Symptom symptom(Trouble trouble) {
    Nearness nearness = trouble.nearness(code);
    return new Symptom(
        trouble.kind().label(),
        trouble.text(),
        trouble.place().map(TraceFrame::toString).orElse(""),
        where(nearness),
        trouble.kind().concernsAll() || nearness != Nearness.ELSEWHERE,
        trouble.time(),
        trouble.seq(),
        trouble.lines());
  }

  private static Symptom general(String kind, String text) {
    return new Symptom(kind, text, "", where(Nearness.ELSEWHERE), true, "", -1, List.of());
  }

  private static String where(Nearness nearness) {
    return nearness.name().toLowerCase(Locale.ROOT);
  }
}
