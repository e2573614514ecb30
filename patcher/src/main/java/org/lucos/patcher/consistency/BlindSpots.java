package org.lucos.patcher.consistency;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.LongSupplier;
import org.lucos.bridge.addr.AddressRange;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.bridge.memory.GatheredRead;
import org.lucos.bridge.memory.GuestMemory;
import org.lucos.patcher.bytes.MalformedDataException;
import org.lucos.patcher.kernel.BtfTypes;
import org.lucos.patcher.kernel.StructLayout;
import org.lucos.patcher.kernel.SymbolTable;

/**
 * What a scan of all listed tasks' stacks would not see.
 *
 * <p>A task that exits leaves the task list in {@code release_task()} and goes on for a while, and
 * may be preempted or sleep. The kernel keeps account of tasks in this stretch of {@code do_exit()}
 * for its own scan of all tasks, RCU-tasks: since 6.9 in a list for each CPU ({@code
 * rtp_exit_list}, commit 1612160b9127 and its neighbours), before that as readers of {@code
 * tasks_rcu_exit_srcu}, which can be counted only.
 *
 * <p>A task may run instructions of a function at another address: a kprobe copies the one it
 * replaces into a slot ({@code kernel/kprobes.c}, {@code struct kprobe_insn_page}).
 */
final class BlindSpots {
  private static final String SOURCE = "guest blind spots";
  private static final int MOST_ENTRIES = 1 << 16;
  private static final long PAGE = 4096;

  private final GuestMemory memory;
  private final Layout layout;

  /**
   * Where the kernel keeps account.
   *
   * @param exits the lists of exiting tasks, if the kernel has them
   * @param readers the count of exiting tasks, if the kernel has that
   * @param slotCaches the kernel's {@code struct kprobe_insn_cache}s
   * @param slotPages offset of the list of pages in there
   * @param slotCode offset of the pointer to the code in {@code struct kprobe_insn_page}
   * @param limits what stays out of sight in this kernel
   */
  record Layout(
      Optional<ExitLists> exits,
      Optional<ExitReaders> readers,
      List<Long> slotCaches,
      long slotPages,
      long slotCode,
      List<String> limits) {
    Layout {
      slotCaches = List.copyOf(slotCaches);
      limits = List.copyOf(limits);
    }
  }

  /**
   * Per-CPU lists of exiting tasks.
   *
   * @param perCpu where the per-CPU pointer to {@code struct rcu_tasks_percpu} is kept
   * @param head offset of the list in there
   * @param link offset of the list entry in {@code task_struct}
   */
  record ExitLists(long perCpu, long head, long link) {}

  /**
   * Per-CPU counters of exiting tasks.
   *
   * @param perCpu where the per-CPU pointer to {@code struct srcu_data} is kept
   * @param entered offset of two counters in there
   * @param left offset of two counters in there
   */
  record ExitReaders(long perCpu, long entered, long left) {}

  BlindSpots(GuestMemory memory, Layout layout) {
    this.memory = memory;
    this.layout = layout;
  }

  static Layout layout(SymbolTable symbols, BtfTypes types) {
    List<Long> caches = new ArrayList<>();
    for (String name : List.of("kprobe_insn_slots", "kprobe_optinsn_slots")) {
      symbols.find(name).ifPresent(symbol -> caches.add(symbol.address().value()));
    }
    Optional<ExitLists> lists = exitLists(symbols, types);
    Optional<ExitReaders> readers =
        lists.isPresent() ? Optional.empty() : exitReaders(symbols, types);
    List<String> limits = new ArrayList<>();
    if (lists.isEmpty() && readers.isEmpty()) {
      limits.add("tasks that have left the task list and still exit");
    }
    if (caches.isEmpty() && symbols.find("register_kprobe").isPresent()) {
      limits.add("tasks that run a probed instruction at another place");
    }
    return new Layout(
        lists,
        readers,
        caches,
        caches.isEmpty() ? 0 : types.struct("kprobe_insn_cache").offsetOf("pages"),
        caches.isEmpty() ? 0 : types.struct("kprobe_insn_page").offsetOf("insns"),
        limits);
  }

  private static Optional<ExitLists> exitLists(SymbolTable symbols, BtfTypes types) {
    Optional<StructLayout> perCpu = types.findStruct("rcu_tasks_percpu");
    StructLayout task = types.struct("task_struct");
    if (symbols.find("rcu_tasks").isEmpty()
        || perCpu.flatMap(layout -> layout.find("rtp_exit_list")).isEmpty()
        || task.find("rcu_tasks_exit_list").isEmpty()) {
      return Optional.empty();
    }
    return Optional.of(
        new ExitLists(
            symbols.address("rcu_tasks").value() + types.struct("rcu_tasks").offsetOf("rtpcpu"),
            perCpu.get().offsetOf("rtp_exit_list"),
            task.offsetOf("rcu_tasks_exit_list")));
  }

  private static Optional<ExitReaders> exitReaders(SymbolTable symbols, BtfTypes types) {
    Optional<StructLayout> data = types.findStruct("srcu_data");
    if (symbols.find("tasks_rcu_exit_srcu").isEmpty()
        || data.flatMap(layout -> layout.find("srcu_lock_count")).isEmpty()) {
      return Optional.empty();
    }
    return Optional.of(
        new ExitReaders(
            symbols.address("tasks_rcu_exit_srcu").value()
                + types.struct("srcu_struct").offsetOf("sda"),
            data.get().offsetOf("srcu_lock_count"),
            data.get().offsetOf("srcu_unlock_count")));
  }

  /**
   * Tasks on their way out, whether the task list still has them or not.
   *
   * @throws MalformedDataException if a list does not end
   */
  List<Long> exitingTasks(List<CpuArea> cpus) {
    List<Long> found = new ArrayList<>();
    if (layout.exits().isPresent()) {
      ExitLists exits = layout.exits().get();
      long perCpu = word(exits.perCpu());
      for (CpuArea cpu : cpus) {
        long head = cpu.base() + perCpu + exits.head();
        for (long link : ring(head)) {
          found.add(link - exits.link());
        }
      }
    }
    return found;
  }

  /** How many tasks are on their way out that cannot be named. */
  long countExiting(List<CpuArea> cpus) {
    if (layout.readers().isEmpty()) {
      return 0;
    }
    ExitReaders readers = layout.readers().get();
    long perCpu = word(readers.perCpu());
    GatheredRead counters = new GatheredRead();
    List<LongSupplier> entered = new ArrayList<>();
    List<LongSupplier> left = new ArrayList<>();
    for (CpuArea cpu : cpus) {
      long data = cpu.base() + perCpu;
      for (int i = 0; i < 16; i += 8) {
        entered.add(counters.u64(new GuestVirtualAddress(data + readers.entered() + i)));
        left.add(counters.u64(new GuestVirtualAddress(data + readers.left() + i)));
      }
    }
    counters.from(memory);
    return sum(entered) - sum(left);
  }

  private static long sum(List<LongSupplier> counts) {
    return counts.stream().mapToLong(LongSupplier::getAsLong).sum();
  }

  /** Pages with copies of probed instructions. */
  List<AddressRange> probeSlots() {
    List<AddressRange> pages = new ArrayList<>();
    for (long cache : layout.slotCaches()) {
      for (long page : ring(cache + layout.slotPages())) {
        long code = word(page + layout.slotCode());
        pages.add(new AddressRange(new GuestVirtualAddress(code).alignDown(PAGE), PAGE));
      }
    }
    return pages;
  }

  /** The entries of a {@code struct list_head} ring. */
  private List<Long> ring(long head) {
    List<Long> entries = new ArrayList<>();
    long at = word(head);
    while (at != head) {
      // a list that nobody has initialised yet is all zero
      if (at == 0 && entries.isEmpty()) {
        return entries;
      }
      if (at >= 0 || entries.size() >= MOST_ENTRIES) {
        throw new MalformedDataException(SOURCE, head, "list does not end");
      }
      entries.add(at);
      at = word(at);
    }
    return entries;
  }

  private long word(long at) {
    return memory.u64(new GuestVirtualAddress(at));
  }
}
