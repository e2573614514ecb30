package org.lucos.patcher.consistency;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.lucos.bridge.addr.AddressOutOfRangeException;
import org.lucos.bridge.addr.AddressRange;
import org.lucos.bridge.memory.MemoryFaultException;
import org.lucos.bridge.vcpu.VcpuRegisters;
import org.lucos.patcher.bytes.MalformedDataException;

/**
 * A check for certain ranges, with everything done that can be done while the guest runs. Good for
 * several tries; prepare a new one when modules may have come or gone.
 */
public final class PreparedCheck {
  private static final Subject GUEST = new Subject.OfGuest();

  private final Guest guest;
  private final Layouts layouts;
  private final RangeIndex ranges;
  private final ReturnHijacks hijacks;
  private final BlindSpots blindSpots;
  private final StackReader reader;
  private final OrcUnwinder unwinder;

  PreparedCheck(Guest guest, Layouts layouts, Collection<NamedRange> ranges) {
    this.guest = guest;
    this.layouts = layouts;
    this.ranges = new RangeIndex(ranges);
    this.hijacks = new ReturnHijacks(guest.memory(), layouts.hijacks());
    this.blindSpots = new BlindSpots(guest.memory(), layouts.blindSpots());
    this.reader = new StackReader(guest.memory());
    this.unwinder = new OrcUnwinder(guest.unwindTables(), layouts.frames(), layouts.taskStarts());
  }

  /**
   * Looks at every task and vCPU of the stopped guest. All memory is read afresh.
   *
   * @param vcpus the registers of every online vCPU
   */
  public StackReport check(List<VcpuRegisters> vcpus) {
    return attempt(() -> new Attempt().check(vcpus));
  }

  /**
   * Looks at the tasks of a running guest that sleep, for a forecast: what they do may change at
   * any time, and tasks that run now are left out.
   */
  public StackReport survey() {
    return attempt(() -> new Attempt().survey());
  }

  /** A guest whose lists lead astray is a reason to wait like any other. */
  private static StackReport attempt(Supplier<StackReport> look) {
    try {
      return look.get();
    } catch (MalformedDataException | MemoryFaultException | AddressOutOfRangeException e) {
      String reason = "its tasks cannot be read: " + e.getMessage();
      return new StackReport(List.of(new Finding.Unreliable(GUEST, reason)), 0, 0, 0);
    }
  }

  /** One look at the guest. */
  private final class Attempt {
    private final List<Finding> findings = new ArrayList<>();
    private final Map<Long, TaskStack> tasks = new HashMap<>();
    private final List<StackReader.Item> items = new ArrayList<>();

    StackReport check(List<VcpuRegisters> vcpus) {
      List<CpuArea> cpus = guest.cpus();
      guest.tasks().forEach(task -> tasks.put(task.task(), task));
      addExiting(cpus);
      Set<Long> live = new HashSet<>();
      for (VcpuTrace trace : traces(vcpus, cpus)) {
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
      tasks.values().stream()
          .filter(task -> !live.contains(task.task()))
          .forEach(this::addSleeping);
      return judge();
    }

    StackReport survey() {
      for (TaskStack task : guest.tasks()) {
        if (!task.running()) {
          tasks.put(task.task(), task);
          addSleeping(task);
        }
      }
      return judge();
    }

    /**
     * Tasks that exit are no longer listed; where they cannot be named, they are a reason to wait.
     */
    private void addExiting(List<CpuArea> cpus) {
      for (long struct : blindSpots.exitingTasks(cpus)) {
        tasks.computeIfAbsent(struct, guest::task);
      }
      long unseen = blindSpots.countExiting(cpus);
      if (unseen != 0) {
        unreliable(GUEST, unseen + " exiting tasks may be out of sight");
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

    private void addSleeping(TaskStack task) {
      if (task.base() == 0) {
        return; // dead: it has given its stack back
      }
      long sp = task.savedSp();
      if ((sp & 7) != 0 || !task.holds(sp)) {
        unreliable(task.subject(), "its saved stack pointer is none: 0x" + Long.toHexString(sp));
        return;
      }
      VcpuTrace.Extent extent = new VcpuTrace.Extent(sp, task.top());
      items.add(new StackReader.Item(task, null, List.of(extent)));
    }

    private StackReport judge() {
      List<NamedRange> odd = new ArrayList<>();
      hijacks.trampolines().forEach(range -> odd.add(named(range)));
      blindSpots.probeSlots().forEach(range -> odd.add(named(range)));
      StackJudge judge = new StackJudge(guest, ranges, new RangeIndex(odd), hijacks, unwinder);
      long before = reader.wordsRead();
      reader.readAll(items, judge);
      findings.addAll(judge.findings());
      return new StackReport(findings, tasks.size(), reader.wordsRead() - before, judge.cleared());
    }

    private void unreliable(Subject who, String reason) {
      findings.add(new Finding.Unreliable(who, reason));
    }

    /** The tasks of this attempt, and those that only a vCPU knows of. */
    private final class KnownTasks implements VcpuTracer.Tasks {
      @Override
      public @Nullable TaskStack byStack(long stackPointer) {
        for (TaskStack task : tasks.values()) {
          if (task.holds(stackPointer)) {
            return task;
          }
        }
        return null;
      }

      @Override
      public TaskStack byStruct(long struct) {
        return tasks.computeIfAbsent(struct, guest::task);
      }
    }
  }

  private static NamedRange named(AddressRange range) {
    return new NamedRange("", range);
  }
}
