package org.lucos.patcher.consistency;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.bridge.memory.GuestMemory;
import org.lucos.patcher.kernel.BtfTypes;
import org.lucos.patcher.kernel.Field;
import org.lucos.patcher.kernel.StructLayout;
import org.lucos.patcher.kernel.SymbolTable;

/**
 * What the scheduler counts. {@code __schedule()} ({@code kernel/sched/core.c}) adds one to {@code
 * rq->nr_switches} of its CPU and one to {@code nvcsw} or {@code nivcsw} of the task it switches
 * away from, both while it holds {@code rq->__lock}, and nothing else changes any of them: while no
 * CPU holds such a lock the sum over CPUs and the sum over all tasks there ever were differ by a
 * number that never changes. {@code copy_process()} counts every task it lists in {@code
 * total_forks}, {@code __unhash_process()} takes it off {@code nr_threads} again.
 */
final class SchedulerCounts {
  private final Layout layout;
  private final List<CpuArea> cpus;
  private final byte[] bytes;

  /**
   * Where things are.
   *
   * @param runqueue the address of the per-CPU variable that holds them
   * @param switches offset of {@code nr_switches} in it
   * @param lock offset of {@code __lock} in it
   * @param lockSize bytes of it, all 0 while nobody holds it
   * @param forks address of {@code total_forks}
   * @param threads address of {@code nr_threads}
   */
  record Layout(long runqueue, long switches, long lock, int lockSize, long forks, long threads) {

    /** Empty if this kernel has no such counts. */
    static Optional<Layout> of(SymbolTable symbols, BtfTypes types) {
      Optional<StructLayout> rq = types.findStruct("rq");
      Optional<Field> switches = rq.flatMap(struct -> struct.find("nr_switches"));
      Optional<Field> lock = rq.flatMap(struct -> struct.find("__lock"));
      boolean known =
          switches.isPresent()
              && switches.get().size() == Long.BYTES
              && lock.isPresent()
              && lock.get().size() >= Integer.BYTES
              && symbols.find("runqueues").isPresent()
              && symbols.find("total_forks").isPresent()
              && symbols.find("nr_threads").isPresent();
      return known
          ? Optional.of(
              new Layout(
                  symbols.address("runqueues").value(),
                  switches.get().offset(),
                  lock.get().offset(),
                  Integer.BYTES, // the lock proper comes first, debugging data after it
                  symbols.address("total_forks").value(),
                  symbols.address("nr_threads").value()))
          : Optional.empty();
    }
  }

  /**
   * Counts to be read.
   *
   * @param cpus the per-CPU areas of all CPUs that may ever have been online
   */
  SchedulerCounts(Layout layout, List<CpuArea> cpus) {
    this.layout = layout;
    this.cpus = cpus;
    this.bytes = new byte[cpus.size() * (Long.BYTES + layout.lockSize()) + 2 * Long.BYTES];
  }

  /**
   * What to read, in this order. A switch that was counted when its CPU's count was read has ended
   * if the lock is found free later: then its task's count, read later still, has it too.
   */
  List<GuestMemory.Slice> slices() {
    List<GuestMemory.Slice> slices = new ArrayList<>(2 * cpus.size() + 2);
    for (int i = 0; i < cpus.size(); i++) {
      long at = cpus.get(i).base() + layout.runqueue() + layout.switches();
      slices.add(slice(at, i * Long.BYTES, Long.BYTES));
    }
    for (int i = 0; i < cpus.size(); i++) {
      long at = cpus.get(i).base() + layout.runqueue() + layout.lock();
      slices.add(slice(at, locks() + i * layout.lockSize(), layout.lockSize()));
    }
    slices.add(slice(layout.forks(), tail(), Long.BYTES));
    slices.add(slice(layout.threads(), tail() + Long.BYTES, Integer.BYTES));
    return slices;
  }

  private GuestMemory.Slice slice(long at, int into, int size) {
    return new GuestMemory.Slice(new GuestVirtualAddress(at), bytes, into, size);
  }

  private int locks() {
    return cpus.size() * Long.BYTES;
  }

  private int tail() {
    return locks() + cpus.size() * layout.lockSize();
  }

  private ByteBuffer read() {
    return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  /** Whether no CPU held the lock of a run queue. */
  boolean settled() {
    for (int i = locks(); i < tail(); i++) {
      if (bytes[i] != 0) {
        return false;
      }
    }
    return true;
  }

  /** Switches of all CPUs together. */
  long switches() {
    long sum = 0;
    for (int i = 0; i < cpus.size(); i++) {
      sum += read().getLong(i * Long.BYTES);
    }
    return sum;
  }

  /** {@code total_forks}. */
  long forks() {
    return read().getLong(tail());
  }

  /** {@code nr_threads}. */
  long threads() {
    return read().getInt(tail() + Long.BYTES);
  }
}
