package org.lucos.patcher.consistency;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.lucos.bridge.addr.AddressRange;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.bridge.memory.GuestMemory;
import org.lucos.bridge.memory.MemoryFaultException;
import org.lucos.bridge.vcpu.VcpuRegisters;
import org.lucos.patcher.kernel.OrcEntry;

/**
 * A tiny kernel: two CPUs with every kind of stack, tasks to be added, text of functions that are
 * 0x100 bytes long. Layouts are those of 6.12, except where a test takes others.
 */
final class SyntheticGuest implements Guest {
  static final long TEXT = 0xffffffff81000000L;
  static final long ENTRY_TEXT = 0xffffffff82000000L;
  static final long FORK = TEXT + 0xf000;
  static final long GRAPH = TEXT + 0xe000;
  static final long RETHOOK = TEXT + 0xd000;
  static final long STACKS = 0xffffc90000000000L;
  static final long STACK_SIZE = 0x4000;
  static final long TASKS = 0xffff888000000000L;

  static final long PT_REGS = 168;
  static final long REGS_IP = 128;
  static final long KERNEL_CS = 0x10;
  static final long USER_CS = 0x33;

  private static final long CURRENT = 0x1000;
  private static final long IRQ_STACK = 0x1008;
  private static final long EXCEPTIONS = 0x1010;

  static final long RET_STACK = 5048;
  static final long CURR_RET_STACK = 5040;
  static final long RETHOOKS = 5320;
  static final long EXIT_LINK = 2120;
  static final long EXIT_HEADS = TASKS + 0x10_0000;
  static final long SLOT_CACHE = TASKS + 0x20_0000;

  final SparseMemory memory = new SparseMemory();
  final List<TaskStack> tasks = new ArrayList<>();
  final Map<Long, TaskStack> unlisted = new LinkedHashMap<>();
  final NavigableMap<Long, OrcEntry> orc = new TreeMap<>();
  boolean graphOfWords = true;
  boolean exitsAreCounted;
  long switches = 1000;
  long forks = 100;
  boolean settled = true;
  int walks;

  /** What happens in the guest whenever its counts are looked at. */
  Runnable whileLooking = () -> {};

  private final Map<Long, Long> known = new LinkedHashMap<>();
  final Set<Long> reloaded = new HashSet<>();

  SyntheticGuest() {
    for (int cpu = 0; cpu < 2; cpu++) {
      long base = base(cpu);
      memory.put(base + IRQ_STACK, irqTop(cpu));
      memory.put(base + EXCEPTIONS, exceptions(cpu));
      memory.map(irqTop(cpu) + 8 - STACK_SIZE, STACK_SIZE);
      memory.map(exceptions(cpu), 0x20000);
      memory.map(entryArea(cpu), 0x2000);
      memory.putAll(exitHead(cpu), exitHead(cpu), exitHead(cpu));
      task(0, "swapper/" + cpu);
      setCurrent(cpu, tasks.get(cpu));
    }
    memory.put(EXIT_HEADS, 0x9000);
    memory.putAll(SLOT_CACHE, SLOT_CACHE, SLOT_CACHE);
  }

  static long base(int cpu) {
    return 0xffff88803fc00000L + cpu * 0x100000L;
  }

  static long irqTop(int cpu) {
    return 0xffffc90010004000L - 8 + cpu * 0x10000L;
  }

  static long exceptions(int cpu) {
    return 0xfffffe0000010000L + cpu * 0x100000L;
  }

  static long nmiTop(int cpu) {
    return exceptions(cpu) + 0x6000;
  }

  static long vcTop(int cpu) {
    return exceptions(cpu) + 0xf000;
  }

  private static long entryArea(int cpu) {
    return 0xfffffe0000001000L + cpu * 0x100000L;
  }

  static long entryTop(int cpu) {
    return entryArea(cpu) + 0x2000;
  }

  /** The head of a CPU's list of exiting tasks. */
  static long exitHead(int cpu) {
    return base(cpu) + 0x9000 + 288;
  }

  /** Adds a sleeping task whose stack is a context switch out of {@code ret_from_fork}. */
  TaskStack task(int pid, String name) {
    TaskStack task = make(pid, name);
    tasks.add(task);
    return task;
  }

  private TaskStack make(int pid, String name) {
    int number = tasks.size() + unlisted.size();
    long base = STACKS + 0x8000L * number;
    long struct = TASKS + 0x4000L * number;
    memory.map(base, STACK_SIZE);
    memory.map(struct, 0x4000);
    long sp = base + STACK_SIZE - PT_REGS - 56;
    memory.put(sp + 48, FORK);
    return new TaskStack(struct, pid, name, base, STACK_SIZE, sp, false, 0, number);
  }

  /** Adds a task that the task list does not have. */
  TaskStack unlisted(int pid, String name) {
    TaskStack task = make(pid, name);
    unlisted.put(task.task(), task);
    return task;
  }

  /**
   * A sleeping task with these frames, innermost first, that came from user mode; each frame has 16
   * bytes of its own below its return address.
   */
  TaskStack sleeping(int pid, String name, long... returns) {
    TaskStack made = task(pid, name);
    tasks.remove(made);
    long regs = made.top() - PT_REGS;
    memory.put(regs + REGS_IP, 0x401000);
    memory.put(regs + REGS_IP + 8, USER_CS);
    long slot = regs - 8;
    for (int i = returns.length - 1; i >= 0; i--) {
      memory.put(slot, returns[i]);
      slot -= 24;
    }
    // the innermost return address is that of the context switch
    long sp = slot + 24 - 48;
    TaskStack task =
        new TaskStack(made.task(), pid, name, made.base(), STACK_SIZE, sp, false, 0, made.born());
    tasks.add(task);
    return task;
  }

  /** Where {@link #sleeping} put a return address, counted from the innermost. */
  static long slot(TaskStack task, int frame) {
    return task.savedSp() + 48 + 24L * frame;
  }

  void setCurrent(int cpu, TaskStack task) {
    memory.put(base(cpu) + CURRENT, task.task());
  }

  /**
   * A function whose frames are 16 bytes and a return address; the last to come ends in user mode.
   */
  void function(long start) {
    orc.put(start, call(24));
    orc.put(start + 0x100, undefined());
  }

  /** Entry code: everything above its frame is a user's {@code pt_regs}. */
  void entry(long start) {
    orc.put(
        start,
        new OrcEntry(OrcEntry.Base.SP, 0, OrcEntry.Base.UNDEFINED, 0, OrcEntry.Kind.REGS, true));
    orc.put(start + 0x100, undefined());
  }

  static OrcEntry call(int size) {
    return new OrcEntry(
        OrcEntry.Base.SP, size, OrcEntry.Base.UNDEFINED, 0, OrcEntry.Kind.CALL, false);
  }

  static OrcEntry undefined() {
    return new OrcEntry(
        OrcEntry.Base.UNDEFINED, 0, OrcEntry.Base.UNDEFINED, 0, OrcEntry.Kind.UNDEFINED, false);
  }

  VcpuRegisters user(int cpu) {
    return vcpu(cpu, 0x401000, 0x7fff_0000, 0x33, 0, base(cpu));
  }

  VcpuRegisters inKernel(int cpu, long rip, long rsp) {
    return vcpu(cpu, rip, rsp, 0x10, base(cpu), 0);
  }

  static VcpuRegisters vcpu(int index, long rip, long rsp, int cs, long gs, long kernelGs) {
    return new VcpuRegisters(
        index,
        new GuestVirtualAddress(rip),
        new GuestVirtualAddress(rsp),
        0x246,
        cs,
        new GuestVirtualAddress(gs),
        new GuestVirtualAddress(kernelGs),
        0x2000,
        Collections.nCopies(16, 0L));
  }

  Layouts layouts() {
    return new Layouts(
        new CpuLayout(
            CURRENT,
            IRQ_STACK,
            STACK_SIZE,
            EXCEPTIONS,
            List.of(
                new CpuLayout.ExceptionStack("DF", 0x1000, 0x2000),
                new CpuLayout.ExceptionStack("NMI", 0x4000, 0x2000),
                new CpuLayout.ExceptionStack("VC", 0xd000, 0x2000)),
            entryArea(0) + 0x1000 - exceptions(0),
            0x1000,
            range(ENTRY_TEXT)),
        frames(),
        new ReturnHijacks.Layout(
            Optional.of(
                new ReturnHijacks.Graph(
                    range(GRAPH), RET_STACK, CURR_RET_STACK, graphOfWords, 32, 0, 24)),
            Optional.of(new ReturnHijacks.Rethook(range(RETHOOK), RETHOOKS, 16, 32, 40, 48)),
            List.of()),
        new BlindSpots.Layout(
            exitsAreCounted
                ? Optional.empty()
                : Optional.of(new BlindSpots.ExitLists(EXIT_HEADS, 288, EXIT_LINK)),
            exitsAreCounted
                ? Optional.of(new BlindSpots.ExitReaders(EXIT_HEADS, 288, 304))
                : Optional.empty(),
            List.of(SLOT_CACHE),
            0,
            16,
            List.of()),
        Set.of(FORK));
  }

  static FrameLayout frames() {
    return new FrameLayout(REGS_IP, 136, 152, 32, 96, 112, 56, 16, PT_REGS, 40, 48, 56);
  }

  static AddressRange range(long start) {
    return new AddressRange(new GuestVirtualAddress(start), 0x100);
  }

  static NamedRange named(String name, long start) {
    return new NamedRange(name, range(start));
  }

  PreparedCheck prepare(NamedRange... ranges) {
    return new PreparedCheck(this, layouts(), List.of(ranges));
  }

  @Override
  public GuestMemory memory() {
    return memory;
  }

  @Override
  public List<TaskStack> tasks() {
    walks++;
    tasks.forEach(task -> known.put(task.task(), task.born()));
    return List.copyOf(tasks);
  }

  @Override
  public Sight look(Collection<Long> wanted) {
    whileLooking.run();
    List<TaskStack> found =
        everyone().filter(task -> wanted.contains(task.task()) && !forgotten(task)).toList();
    long threads = tasks.stream().filter(task -> task.pid() != 0).count();
    return new Sight(settled, switches, forks, threads, found);
  }

  private boolean forgotten(TaskStack task) {
    return known.containsKey(task.task()) && known.get(task.task()) != task.born();
  }

  private Stream<TaskStack> everyone() {
    return Stream.concat(tasks.stream(), unlisted.values().stream());
  }

  /** Has a task run and be switched away from again; what it does to its stack is not known. */
  TaskStack run(TaskStack task) {
    switches++;
    return replace(
        new TaskStack(
            task.task(),
            task.pid(),
            task.name(),
            task.base(),
            task.size(),
            task.savedSp(),
            false,
            task.switches() + 1,
            task.born()));
  }

  /** Puts a task in the place of what is known of it. */
  TaskStack replace(TaskStack task) {
    tasks.replaceAll(old -> old.task() == task.task() ? task : old);
    unlisted.replaceAll((struct, old) -> struct == task.task() ? task : old);
    return task;
  }

  @Override
  public TaskStack task(long struct) {
    @Nullable TaskStack found = unlisted.get(struct);
    return found != null
        ? found
        : tasks.stream()
            .filter(task -> task.task() == struct)
            .findFirst()
            .orElseThrow(() -> new MemoryFaultException("virtual", struct, 8, "no task"));
  }

  @Override
  public List<CpuArea> cpus() {
    return List.of(new CpuArea(0, base(0), true), new CpuArea(1, base(1), true));
  }

  @Override
  public String symbol(long address, boolean interrupted) {
    return "0x" + Long.toHexString(address);
  }

  @Override
  public boolean isStillDescribed(long instruction) {
    return !reloaded.contains(instruction);
  }

  @Override
  public OrcUnwinder.Tables unwindTables() {
    return instruction ->
        Optional.ofNullable(orc.floorEntry(instruction.value())).map(Map.Entry::getValue);
  }
}
