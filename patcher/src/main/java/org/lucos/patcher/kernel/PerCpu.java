package org.lucos.patcher.kernel;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.LongSupplier;
import java.util.stream.Collectors;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.bridge.memory.GatheredRead;
import org.lucos.bridge.memory.GuestMemory;
import org.lucos.patcher.bytes.MalformedDataException;
import org.lucos.patcher.refusal.FitRefusal;
import org.lucos.patcher.refusal.RefusedException;

/**
 * The kernel's CPUs and their own copies of per-CPU variables. A CPU's area begins at {@code
 * __per_cpu_offset[cpu]}, which is also its GS base in kernel mode
 * (arch/x86/kernel/setup_percpu.c).
 */
public final class PerCpu {
  private final GuestMemory memory;
  private final SymbolTable symbols;
  private final GuestVirtualAddress offsets;
  private final GuestVirtualAddress onlineMask;
  private final GuestVirtualAddress possibleMask;
  private final int maskBytes;
  private final GuestVirtualAddress currentTask;

  PerCpu(GuestMemory memory, SymbolTable symbols, BtfTypes types) {
    this.memory = memory;
    this.symbols = symbols;
    this.offsets = symbols.address("__per_cpu_offset");
    this.onlineMask = symbols.address("__cpu_online_mask");
    this.possibleMask = symbols.address("__cpu_possible_mask");
    this.maskBytes = (int) Math.min(types.struct("cpumask").size(), 8192);
    this.currentTask = currentTask(symbols, types);
  }

  /** {@code current_task}, which 6.2 to 6.14 keep inside of {@code pcpu_hot}. */
  private static GuestVirtualAddress currentTask(SymbolTable symbols, BtfTypes types) {
    Optional<KernelSymbol> alone = symbols.find("current_task");
    if (alone.isPresent()) {
      return alone.get().address();
    }
    return symbols
        .address("pcpu_hot")
        .plus(types.struct("pcpu_hot").field("current_task").offset());
  }

  /** The numbers of the CPUs that are online now, ascending. */
  public List<Integer> onlineCpus() {
    return cpus(onlineMask, "guest __cpu_online_mask");
  }

  /** The numbers of the CPUs that may ever be online and so have a per-CPU area, ascending. */
  public List<Integer> possibleCpus() {
    return cpus(possibleMask, "guest __cpu_possible_mask");
  }

  private List<Integer> cpus(GuestVirtualAddress at, String source) {
    byte[] mask = memory.bytes(at, maskBytes);
    List<Integer> cpus = new ArrayList<>();
    for (int i = 0; i < mask.length; i++) {
      for (int bits = mask[i] & 0xff; bits != 0; bits &= bits - 1) {
        cpus.add(i * 8 + Integer.numberOfTrailingZeros(bits));
      }
    }
    if (cpus.isEmpty()) {
      throw new MalformedDataException(source, 0, "no CPU is in it");
    }
    return cpus;
  }

  /** What to add to a per-CPU symbol's address for a CPU's copy; the CPU's kernel GS base. */
  public GuestVirtualAddress base(int cpu) {
    if (cpu < 0 || cpu >= maskBytes * 8) {
      throw new IllegalArgumentException("no such CPU: " + cpu);
    }
    return memory.pointer(offsets.plus(cpu * 8L));
  }

  /** {@link #base} of all CPUs that are online. */
  public Set<GuestVirtualAddress> onlineBases() {
    GatheredRead bases = new GatheredRead();
    List<LongSupplier> found = new ArrayList<>();
    onlineCpus().forEach(cpu -> found.add(bases.u64(offsets.plus(cpu * 8L))));
    bases.from(memory);
    return found.stream()
        .map(base -> new GuestVirtualAddress(base.getAsLong()))
        .collect(Collectors.toSet());
  }

  /**
   * A CPU's copy of a per-CPU variable.
   *
   * @param variable the address of the per-CPU symbol, or inside of its variable
   */
  public GuestVirtualAddress address(GuestVirtualAddress variable, int cpu) {
    // wraps where per-CPU symbols are linked among the others (6.15 on)
    return new GuestVirtualAddress(base(cpu).value() + variable.value());
  }

  /**
   * A CPU's copy of a per-CPU variable.
   *
   * @throws RefusedException with {@link FitRefusal.SymbolNotResolved} if there is no such symbol
   */
  public GuestVirtualAddress address(String symbol, int cpu) {
    return address(symbols.address(symbol), cpu);
  }

  /** The {@code task_struct} of the task a CPU is running. */
  public GuestVirtualAddress currentTask(int cpu) {
    return memory.pointer(address(currentTask, cpu));
  }
}
