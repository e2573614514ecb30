package org.lucos.patcher.consistency;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.lucos.bridge.addr.AddressOutOfRangeException;
import org.lucos.bridge.addr.AddressRange;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.bridge.memory.GuestMemory;
import org.lucos.bridge.memory.MemoryFaultException;
import org.lucos.patcher.bytes.MalformedDataException;
import org.lucos.patcher.kernel.KernelSymbol;
import org.lucos.patcher.kernel.LoadedModule;
import org.lucos.patcher.kernel.OrcTables;
import org.lucos.patcher.kernel.RunningKernel;
import org.lucos.patcher.kernel.Task;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The running kernel, with the modules and unwind tables of one moment. */
final class KernelGuest implements Guest {
  private static final Logger LOG = LoggerFactory.getLogger(KernelGuest.class);

  private final RunningKernel kernel;
  private final List<LoadedModule> modules;
  private final OrcTables tables;
  private final TaskRoster roster;
  private final Optional<SchedulerCounts.Layout> counts;
  private final long born;
  private List<Integer> rosterCpus = List.of();

  /** Of every possible CPU; these never move. */
  private List<CpuArea> areas = List.of();

  private Optional<Boolean> modulesUnchanged = Optional.empty();
  private List<KnownFrame> known = List.of();

  KernelGuest(
      RunningKernel kernel,
      List<LoadedModule> modules,
      OrcTables tables,
      TaskRoster.Layout layout,
      Optional<SchedulerCounts.Layout> counts) {
    this.kernel = kernel;
    this.counts = counts;
    this.born = kernel.types().struct("task_struct").offsetOf("start_time");
    this.modules = modules;
    this.tables = tables;
    this.roster = new TaskRoster(kernel.memory(), layout, this::task);
  }

  @Override
  public GuestMemory memory() {
    return kernel.memory();
  }

  /** Takes note of code that the tables do not describe. */
  KernelGuest knowing(List<KnownFrame> places) {
    known = places;
    return this;
  }

  /**
   * A walk over all tasks where they are not known yet, and a second look at those and new ones.
   */
  @Override
  public List<TaskStack> tasks() {
    modulesUnchanged = Optional.empty();
    List<Integer> cpus = kernel.perCpu().onlineCpus();
    if (cpus.equals(rosterCpus)) {
      try {
        return roster.now();
      } catch (MalformedDataException | MemoryFaultException | AddressOutOfRangeException e) {
        LOG.debug("task list changed too much for a second look", e);
      }
    }
    List<TaskStack> stacks = new ArrayList<>();
    for (Task task : kernel.tasks().all()) {
      stacks.add(stack(task));
    }
    roster.learn(stacks);
    rosterCpus = cpus;
    return roster.now(); // in the order that whoever relies on it needs
  }

  @Override
  public Sight look(Collection<Long> tasks) {
    if (counts.isEmpty()) {
      return new Sight(false, 0, 0, 0, roster.again(tasks, List.of()));
    }
    SchedulerCounts now = new SchedulerCounts(counts.get(), areas());
    List<TaskStack> again = roster.again(tasks, now.slices());
    return new Sight(now.settled(), now.switches(), now.forks(), now.threads(), again);
  }

  @Override
  public TaskStack task(long struct) {
    return stack(kernel.tasks().at(new GuestVirtualAddress(struct)));
  }

  private TaskStack stack(Task task) {
    return stack(task, kernel.memory().u64(task.struct().plus(born)));
  }

  static TaskStack stack(Task task, long born) {
    return new TaskStack(
        task.struct().value(),
        task.pid(),
        task.comm(),
        task.stack().value(),
        task.stackSize(),
        task.savedSp().value(),
        task.onCpu(),
        task.voluntarySwitches() + task.involuntarySwitches(),
        born);
  }

  @Override
  public List<CpuArea> cpus() {
    Set<Integer> online = new HashSet<>(kernel.perCpu().onlineCpus());
    return areas().stream()
        .map(area -> new CpuArea(area.number(), area.base(), online.contains(area.number())))
        .toList();
  }

  private List<CpuArea> areas() {
    if (areas.isEmpty()) {
      areas =
          kernel.perCpu().possibleCpus().stream()
              .map(cpu -> new CpuArea(cpu, kernel.perCpu().base(cpu).value(), false))
              .toList();
    }
    return areas;
  }

  @Override
  public OrcUnwinder.Tables unwindTables() {
    return at ->
        known.stream()
            .filter(place -> place.code().contains(at))
            .map(KnownFrame::frame)
            .findFirst()
            .or(() -> tables.find(at));
  }

  @Override
  public boolean isStillDescribed(long instruction) {
    if (kernel.text().contains(instruction)) {
      return true;
    }
    if (modulesUnchanged.isEmpty()) {
      modulesUnchanged = Optional.of(places(kernel.modules()).equals(places(modules)));
    }
    return modulesUnchanged.get();
  }

  /** What tells a module from another that took its place. */
  private static List<List<Object>> places(List<LoadedModule> modules) {
    return modules.stream()
        .map(one -> List.<Object>of(one.name(), one.struct(), one.state(), one.parts()))
        .toList();
  }

  @Override
  public String symbol(long address, boolean interrupted) {
    // a call at the very end of a function returns to the next one
    GuestVirtualAddress inside = new GuestVirtualAddress(interrupted ? address : address - 1);
    Optional<KernelSymbol> own = kernel.symbols().enclosing(inside);
    for (LoadedModule module : modules) {
      if (module.containsText(inside)) {
        own = module.enclosing(inside);
      }
    }
    if (own.isEmpty()) {
      return "0x" + Long.toHexString(address);
    }
    KernelSymbol symbol = own.get();
    String place = symbol.name() + "+0x" + Long.toHexString(address - symbol.address().value());
    if (symbol.module().isPresent()) {
      return place + " [" + symbol.module().get() + "]";
    }
    AddressRange range = kernel.symbols().range(symbol);
    return place + "/0x" + Long.toHexString(range.size());
  }
}
