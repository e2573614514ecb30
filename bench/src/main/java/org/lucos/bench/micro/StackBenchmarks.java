package org.lucos.bench.micro;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.lucos.bridge.addr.AddressRange;
import org.lucos.bridge.memory.GuestMemory;
import org.lucos.patcher.consistency.Backtrace;
import org.lucos.patcher.consistency.NamedRange;
import org.lucos.patcher.consistency.PreparedCheck;
import org.lucos.patcher.consistency.StackChecker;
import org.lucos.patcher.consistency.StackReport;
import org.lucos.patcher.kernel.RunningKernel;
import org.lucos.patcher.kernel.SymbolTable;
import org.lucos.patcher.kernel.Task;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

/** Looking at the stacks of a guest's tasks. */
@State(Scope.Benchmark)
@SuppressWarnings("NullAway.Init") // JMH calls the setup
public class StackBenchmarks {
  /** Nobody sleeps in it. */
  private static final String FUNCTION = "uptime_proc_show";

  /** So often, that reading the modules' tables before does not count. */
  private static final int UNWOUND = 8;

  private GuestMemory memory;
  private StackChecker checker;
  private List<NamedRange> ranges;
  private PreparedCheck check;
  private List<Task> threads;
  private List<Task> unwound;
  private List<GuestMemory.Slice> slices;
  private long used;

  /** Prepares a check. */
  @Setup
  public void prepare(AttachedGuest guest) {
    RunningKernel kernel = guest.kernel();
    memory = kernel.memory();
    checker = new StackChecker(kernel);
    SymbolTable symbols = kernel.symbols();
    AddressRange range = symbols.range(symbols.find(FUNCTION).orElseThrow());
    ranges = List.of(new NamedRange(FUNCTION, range));
    check = checker.prepare(ranges);
    threads = guest.kernelThreads();
    unwound = Collections.nCopies(UNWOUND, threads).stream().flatMap(List::stream).toList();
    slices = new ArrayList<>();
    for (Task thread : threads) {
      int length = (int) thread.stack().plus(thread.stackSize()).minus(thread.savedSp());
      slices.add(new GuestMemory.Slice(thread.savedSp(), new byte[length], 0, length));
      used += length;
    }
  }

  /** All tasks are found, and every word of their stacks is read and compared. */
  @Benchmark
  public StackReport scan(Work work) {
    StackReport report = checker.check(ranges, List.of());
    work.bytes += Long.BYTES * report.words();
    return counted(report, work);
  }

  /** The same as it is forecast: of tasks that have rested since, nothing is read again. */
  @Benchmark
  public StackReport again(Work work) {
    return counted(check.survey(), work);
  }

  private static StackReport counted(StackReport report, Work work) {
    if (report.tasks() == 0) {
      throw new IllegalStateException("no tasks: " + report.findings());
    }
    work.items += report.tasks();
    return report;
  }

  /** Kernel threads' stacks are read, and nothing is done with them. */
  @Benchmark
  public List<GuestMemory.Slice> read(Work work) {
    memory.readAll(slices);
    work.bytes += used;
    work.items += threads.size();
    return slices;
  }

  /** Frame by frame. */
  @Benchmark
  public List<Backtrace> unwind(Work work) {
    List<Backtrace> traces = checker.backtraces(unwound);
    traces.forEach(trace -> work.items += trace.frames().size());
    return traces;
  }
}
