package org.lucos.patcher.consistency;

import java.util.Collection;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.lucos.bridge.vcpu.VcpuRegisters;
import org.lucos.patcher.kernel.LoadedModule;
import org.lucos.patcher.kernel.OrcTables;
import org.lucos.patcher.kernel.RunningKernel;
import org.lucos.patcher.kernel.Task;

/**
 * Tells whether any task or vCPU of a stopped guest may be inside of given code.
 *
 * <p>Sound: every kernel stack is scanned word by word from its stack pointer to its top, whatever
 * the words are, and every return address that a tracer keeps elsewhere is looked at too; a task
 * that cannot be looked into makes the outcome unreliable. ORC unwind data only takes alarms back,
 * where it explains a stack completely.
 *
 * <p>Whoever changes the ranges' code must do so in the same pause. A function's return address
 * right behind it, after a call that does not return, counts for the function that follows.
 */
public final class StackChecker {
  /** What it takes to find the tasks' lists and to run once more with everything known. */
  private static final int REHEARSALS = 4;

  private final RunningKernel kernel;
  private final Layouts layouts;
  private final TaskRoster.Layout rosterLayout;
  private final Optional<SchedulerCounts.Layout> counts;
  private List<KnownFrame> known = List.of();
  private @Nullable OrcTables vmlinuxTables;

  /**
   * Takes the layouts it needs from the kernel's own description.
   *
   * @throws org.lucos.patcher.refusal.RefusedException if the kernel lacks a type or symbol needed
   */
  public StackChecker(RunningKernel kernel) {
    this.kernel = kernel;
    this.layouts = Layouts.of(kernel.symbols(), kernel.types());
    this.rosterLayout = TaskRoster.Layout.of(kernel.symbols(), kernel.types());
    this.counts = SchedulerCounts.Layout.of(kernel.symbols(), kernel.types());
  }

  /**
   * What a check cannot see in this kernel because the kernel keeps no account of it that is known
   * here; empty for Debian's kernels.
   */
  public List<String> limits() {
    return layouts.blindSpots().limits();
  }

  /** Checks prepared from now on can unwind through these places too. */
  public StackChecker knowing(List<KnownFrame> places) {
    known = List.copyOf(places);
    return this;
  }

  /**
   * Does what can be done outside of a pause: reads tables, modules and the list of tasks, and
   * rehearses the check, so that in the pause it runs compiled code.
   */
  public PreparedCheck prepare(Collection<NamedRange> ranges) {
    PreparedCheck check = new PreparedCheck(guest(), layouts, ranges);
    for (int i = 0; i < REHEARSALS; i++) {
      check.rehearse();
    }
    return check;
  }

  /**
   * Prepares and checks in one go.
   *
   * @param vcpus the registers of every online vCPU of the stopped guest
   */
  public StackReport check(Collection<NamedRange> ranges, List<VcpuRegisters> vcpus) {
    return new PreparedCheck(guest(), layouts, ranges).check(vcpus);
  }

  /** Where a task that no CPU runs is; of a running task, where it last was switched away. */
  public Backtrace backtrace(Task task) {
    return Backtraces.of(guest(), layouts, KernelGuest.stack(task, 0));
  }

  /** The same of many tasks, in their order, with the modules of one moment. */
  public List<Backtrace> backtraces(List<Task> tasks) {
    KernelGuest guest = guest();
    return tasks.stream()
        .map(task -> Backtraces.of(guest, layouts, KernelGuest.stack(task, 0)))
        .toList();
  }

  private KernelGuest guest() {
    OrcTables vmlinux = vmlinuxTables;
    if (vmlinux == null) {
      vmlinux = OrcTables.read(kernel.memory(), kernel.symbols(), kernel.types());
      vmlinuxTables = vmlinux;
    }
    List<LoadedModule> modules = kernel.modules();
    return new KernelGuest(
            kernel,
            modules,
            vmlinux.withModules(kernel.memory(), kernel.types(), modules),
            rosterLayout,
            counts)
        .knowing(known);
  }
}
