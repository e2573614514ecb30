package org.lucos.patcher.consistency;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.lucos.bridge.addr.AddressOutOfRangeException;
import org.lucos.bridge.addr.AddressRange;
import org.lucos.bridge.memory.MemoryFaultException;
import org.lucos.bridge.memory.Recollection;
import org.lucos.bridge.vcpu.VcpuRegisters;
import org.lucos.patcher.bytes.MalformedDataException;

/**
 * A check for certain ranges, with everything done that can be done while the guest runs. Good for
 * several tries; prepare a new one when modules may have come or gone.
 *
 * <p>While the guest runs, {@link #survey} judges the tasks that rest and {@link #lastLook} finds
 * out who does. In the pause only those are read again that may have run since; {@link
 * RestingTasks} says why that is enough. Whatever cannot be proven is read again.
 */
public final class PreparedCheck {
  private static final Subject GUEST = new Subject.OfGuest();
  private static final Duration UNLIMITED = Duration.ofNanos(Long.MAX_VALUE);

  /** How often the check is gone through once the last look at many tasks has filled the caches. */
  private static final int LAST_REHEARSALS = 2;

  private final Guest guest;
  private final Layouts layouts;
  private final RangeIndex ranges;
  private final ReturnHijacks hijacks;
  private final BlindSpots blindSpots;
  private final StackReader reader;
  private final OrcUnwinder unwinder;
  private final RestingTasks resting;
  private Recollection<Surroundings> surroundings = Recollection.unproven(Surroundings.NONE);
  private Optional<RestingTasks.Standing> begun = Optional.empty();
  private long expectedNanos = Long.MAX_VALUE;

  PreparedCheck(Guest guest, Layouts layouts, Collection<NamedRange> ranges) {
    this.guest = guest;
    this.layouts = layouts;
    this.ranges = new RangeIndex(ranges);
    this.hijacks = new ReturnHijacks(guest.memory(), layouts.hijacks());
    this.blindSpots = new BlindSpots(guest.memory(), layouts.blindSpots());
    this.reader = new StackReader(guest.memory());
    this.unwinder = new OrcUnwinder(guest.unwindTables(), layouts.frames(), layouts.taskStarts());
    this.resting = new RestingTasks(guest, this::judgeEach);
  }

  /**
   * The first part of a check in the pause, which needs no registers: may be called while these are
   * on their way.
   */
  public void begin() {
    try {
      begun = resting.confirm();
    } catch (MalformedDataException | MemoryFaultException | AddressOutOfRangeException e) {
      begun = Optional.empty(); // the check then finds out what is wrong
    }
  }

  /** As {@link #check(List, Duration)}, however long it takes. */
  public StackReport check(List<VcpuRegisters> vcpus) {
    return check(vcpus, UNLIMITED);
  }

  /**
   * Speaks for every task and vCPU of the stopped guest.
   *
   * @param vcpus the registers of every online vCPU
   * @param limit reading all tasks, if that is needed, is not begun if it takes longer by
   *     experience; then the report says {@link Finding.OutOfTime}
   */
  public StackReport check(List<VcpuRegisters> vcpus, Duration limit) {
    return attempt(() -> new Attempt().check(vcpus, limit));
  }

  /**
   * Looks at the tasks of a running guest that sleep, for a forecast: what they do may change at
   * any time, and tasks that run now are left out.
   */
  public StackReport survey() {
    return attempt(() -> new Attempt().survey());
  }

  /** Does all that comes before and in a pause, as far as that can be done without one. */
  void rehearse() {
    survey();
    lastLook();
    long start = System.nanoTime();
    check(List.of());
    expectedNanos = Math.min(expectedNanos, System.nanoTime() - start);
  }

  /** How long the check will take in a pause, by the rehearsals. */
  public Duration expected() {
    return Duration.ofNanos(expectedNanos);
  }

  /** To be called right before the guest is stopped: makes the check in the pause short. */
  public void lastLook() {
    begun = Optional.empty();
    attempt(
        () -> {
          resting.lastLook();
          surroundings = guest.memory().recollect(this::lookAround);
          for (int i = 0; i < LAST_REHEARSALS; i++) {
            new Attempt().check(List.of(), resting.confirmTime()); // all tasks are not read again
          }
          return new StackReport(List.of(), 0, 0, 0, 0);
        });
  }

  /** A guest whose lists lead astray is a reason to wait like any other. */
  private static StackReport attempt(Supplier<StackReport> look) {
    try {
      return look.get();
    } catch (MalformedDataException | MemoryFaultException | AddressOutOfRangeException e) {
      String reason = "its tasks cannot be read: " + e.getMessage();
      return new StackReport(List.of(new Finding.Unreliable(GUEST, reason)), 0, 0, 0, 0);
    }
  }

  private List<Verdict> judgeEach(List<TaskStack> asleep) {
    List<StackReader.Item> items = new ArrayList<>();
    List<Verdict> verdicts = new ArrayList<>();
    for (TaskStack task : asleep) {
      sleeping(task, items).ifPresent(found -> verdicts.add(new Verdict(task, found, false)));
    }
    if (!items.isEmpty()) {
      StackJudge judge = judge(oddCode());
      reader.readAll(items, new OneByOne(judge, verdicts));
    }
    return verdicts;
  }

  /** Takes down after each stack what was found on it. */
  private record OneByOne(StackJudge judge, List<Verdict> verdicts) implements StackReader.Judge {
    @Override
    public void judge(StackReader.Item item, LiveStack stack) {
      int findings = judge.findings().size();
      int cleared = judge.cleared();
      judge.judge(item, stack);
      add(item, findings, judge.cleared() > cleared);
    }

    @Override
    public void unreadable(StackReader.Item item, MemoryFaultException fault) {
      int findings = judge.findings().size();
      judge.unreadable(item, fault);
      add(item, findings, false);
    }

    private void add(StackReader.Item item, int from, boolean cleared) {
      List<Finding> all = judge.findings();
      verdicts.add(new Verdict(item.task(), all.subList(from, all.size()), cleared));
    }
  }

  /**
   * What a check has to know beside tasks and vCPUs; it rarely changes.
   *
   * @param exiting the tasks on their way out that can be named
   * @param unseen how many others
   * @param odd code that is not what it seems on a stack
   */
  private record Surroundings(List<CpuArea> cpus, List<Long> exiting, long unseen, RangeIndex odd) {
    static final Surroundings NONE =
        new Surroundings(List.of(), List.of(), 0, new RangeIndex(List.of()));
  }

  private Surroundings lookAround() {
    List<CpuArea> cpus = guest.cpus();
    return new Surroundings(
        cpus, blindSpots.exitingTasks(cpus), blindSpots.countExiting(cpus), oddCode());
  }

  private RangeIndex oddCode() {
    List<NamedRange> odd = new ArrayList<>();
    hijacks.trampolines().forEach(range -> odd.add(named(range)));
    blindSpots.probeSlots().forEach(range -> odd.add(named(range)));
    return new RangeIndex(odd);
  }

  private StackJudge judge(RangeIndex odd) {
    return new StackJudge(guest, ranges, odd, hijacks, unwinder);
  }

  /** Adds what to read of a task; the verdict on it, if that can be told without. */
  private static Optional<List<Finding>> sleeping(TaskStack task, List<StackReader.Item> items) {
    if (task.base() == 0) {
      return Optional.of(List.of()); // dead: it has given its stack back
    }
    long sp = task.savedSp();
    if ((sp & 7) != 0 || !task.holds(sp)) {
      String reason = "its saved stack pointer is none: 0x" + Long.toHexString(sp);
      return Optional.of(List.of(new Finding.Unreliable(task.subject(), reason)));
    }
    VcpuTrace.Extent extent = new VcpuTrace.Extent(sp, task.top());
    items.add(new StackReader.Item(task, null, List.of(extent)));
    return Optional.empty();
  }

  /** One look at the guest. */
  private final class Attempt {
    private final List<Finding> findings = new ArrayList<>();
    private final List<StackReader.Item> items = new ArrayList<>();

    /** Tasks that were read in this attempt. */
    private final TaskIndex read = new TaskIndex(List.of());

    /** Tasks as they were before the pause, where that still holds for all that were not read. */
    private TaskIndex known = new TaskIndex(List.of());

    private int cleared;

    StackReport check(List<VcpuRegisters> vcpus, Duration limit) {
      if (resting.confirmTime().compareTo(limit) > 0) {
        return outOfTime(resting.confirmTime());
      }
      Surroundings around = surroundings.holds() ? surroundings.value() : lookAround();
      Optional<RestingTasks.Standing> standing = begun.or(resting::confirm);
      begun = Optional.empty(); // good for this pause only
      if (standing.isPresent()) {
        known = standing.get().rest().tasks();
        standing.get().restless().forEach(read::add);
      } else if (resting.walkTime().compareTo(limit) > 0) {
        return outOfTime(resting.walkTime());
      } else {
        guest.tasks().forEach(read::add);
      }
      addExiting(around);
      Set<Long> live = new HashSet<>();
      for (VcpuTrace trace : traces(vcpus, around.cpus())) {
        TaskStack task = trace.task();
        if (task == null) {
          unreliable(trace.subject(), String.valueOf(trace.problem()));
          continue;
        }
        if (!live.add(task.task())) {
          unreliable(task.subject(), "two vCPUs seem to run it");
        }
        items.add(new StackReader.Item(task, trace, trace.extents()));
      }
      read.tasks().stream().filter(task -> !live.contains(task.task())).forEach(this::addResting);
      standing.ifPresent(held -> addOthers(held.rest(), live));
      return report(around.odd());
    }

    StackReport survey() {
      long before = reader.wordsRead();
      List<TaskStack> tasks = resting.survey();
      int sleeping = 0;
      for (TaskStack task : tasks) {
        if (!task.running()) {
          sleeping++;
          resting.forecast(task).ifPresent(this::add);
        }
      }
      return new StackReport(findings, sleeping, sleeping, reader.wordsRead() - before, cleared);
    }

    private StackReport outOfTime(Duration expected) {
      findings.add(new Finding.OutOfTime(GUEST, expected));
      return new StackReport(findings, 0, 0, 0, 0);
    }

    private void add(Verdict verdict) {
      findings.addAll(verdict.findings());
      cleared += verdict.cleared() ? 1 : 0;
    }

    /** What was found of those that were not read again. */
    private void addOthers(RestingTasks.Rest rest, Set<Long> live) {
      cleared += rest.cleared();
      rest.findings()
          .forEach(
              (task, found) -> {
                if (!live.contains(task) && read.byStruct(task) == null) {
                  findings.addAll(found);
                }
              });
    }

    /** A task that no vCPU is on the stack of: judged before, or to be judged now. */
    private void addResting(TaskStack task) {
      Optional<Verdict> verdict = resting.verdict(task);
      if (verdict.isPresent()) {
        add(verdict.get());
      } else {
        PreparedCheck.sleeping(task, items).ifPresent(findings::addAll);
      }
    }

    /**
     * Tasks that exit are no longer listed; where they cannot be named, they are a reason to wait.
     */
    private void addExiting(Surroundings around) {
      for (long struct : around.exiting()) {
        if (read.byStruct(struct) == null) {
          read.add(guest.task(struct));
        }
      }
      if (around.unseen() != 0) {
        unreliable(GUEST, around.unseen() + " exiting tasks may be out of sight");
      }
    }

    private List<VcpuTrace> traces(List<VcpuRegisters> vcpus, List<CpuArea> cpus) {
      VcpuTracer tracer = new VcpuTracer(guest.memory(), layouts.cpus(), layouts.frames());
      Set<Integer> seen = new HashSet<>();
      List<VcpuTrace> traces = new ArrayList<>();
      for (VcpuRegisters vcpu : vcpus) {
        Optional<CpuArea> cpu = tracer.cpuOf(vcpu, cpus);
        if (cpu.isPresent() && seen.add(cpu.get().number())) {
          traces.add(tracer.trace(vcpu, cpu.get(), new KnownTasks()));
        } else if (cpu.isPresent() || !VcpuTracer.neverStarted(vcpu)) {
          traces.add(VcpuTrace.unreliable(vcpu, "its registers do not tell which CPU it is"));
        }
      }
      // a vCPU that does not tell which CPU it is has been reported already
      if (traces.stream().noneMatch(trace -> trace.task() == null)) {
        cpus.stream()
            .filter(cpu -> cpu.online() && !seen.contains(cpu.number()))
            .forEach(cpu -> unreliable(GUEST, "no vCPU was seen to be CPU " + cpu.number()));
      }
      return traces;
    }

    private StackReport report(RangeIndex odd) {
      long before = reader.wordsRead();
      StackJudge judge = judge(odd);
      reader.readAll(items, judge);
      findings.addAll(judge.findings());
      return new StackReport(
          findings,
          known.sizeWith(read),
          read.tasks().size(),
          reader.wordsRead() - before,
          cleared + judge.cleared());
    }

    private void unreliable(Subject who, String reason) {
      findings.add(new Finding.Unreliable(who, reason));
    }

    /** The tasks of this attempt, and those that only a vCPU knows of. */
    private final class KnownTasks implements VcpuTracer.Tasks {
      @Override
      public @Nullable TaskStack byStack(long stackPointer) {
        TaskStack task = read.byStack(stackPointer);
        return task == null ? known.byStack(stackPointer) : task;
      }

      @Override
      public TaskStack byStruct(long struct) {
        TaskStack task = read.byStruct(struct);
        task = task == null ? known.byStruct(struct) : task;
        if (task == null) {
          task = guest.task(struct);
          read.add(task);
        }
        return task;
      }
    }
  }

  private static NamedRange named(AddressRange range) {
    return new NamedRange("", range);
  }
}
