package org.lucos.patcher.kernel;

import java.time.Duration;
import java.util.Optional;
import java.util.OptionalInt;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.bridge.memory.GuestMemory;

/** Reads {@link KernelCondition}: kernel/panic.c, kernel/printk/printk.c, kernel/rcu/tree.h. */
final class ConditionReader {
  private static final int NO_CPU = -1;

  /** {@code RCU_SEQ_STATE_MASK}: not 0 while a grace period goes on. */
  private static final long PHASE = 3;

  private static final long USUAL_STALL_TIMEOUT = 21;
  private static final long GREATEST_TICK = 100_000_000;

  private final GuestMemory memory;
  private final SymbolTable symbols;
  private final BtfTypes types;

  ConditionReader(GuestMemory memory, SymbolTable symbols, BtfTypes types) {
    this.memory = memory;
    this.symbols = symbols;
    this.types = types;
  }

  KernelCondition read() {
    int panicCpu = number("panic_cpu").orElse(NO_CPU);
    return new KernelCondition(
        memory.u64(symbols.address("tainted_mask")),
        panicCpu == NO_CPU ? OptionalInt.empty() : OptionalInt.of(panicCpu),
        number("panic_timeout").orElse(0),
        Integer.toUnsignedLong(number("oops_in_progress").orElse(0)),
        gracePeriod(),
        Duration.ofSeconds(
            Math.max(1, number("rcu_cpu_stall_timeout").orElse((int) USUAL_STALL_TIMEOUT))));
  }

  private OptionalInt number(String symbol) {
    Optional<GuestVirtualAddress> at = symbols.find(symbol).map(KernelSymbol::address);
    return at.isPresent() ? OptionalInt.of(memory.i32(at.get())) : OptionalInt.empty();
  }

  /** {@code rcu_state.gp_start} is in jiffies, of which each takes {@code tick_nsec}. */
  private Optional<Duration> gracePeriod() {
    Optional<GuestVirtualAddress> state = address("rcu_state");
    Optional<GuestVirtualAddress> jiffies = address("jiffies_64").or(() -> address("jiffies"));
    Optional<GuestVirtualAddress> tick = address("tick_nsec");
    Optional<StructLayout> layout = types.findStruct("rcu_state");
    if (state.isEmpty() || jiffies.isEmpty() || tick.isEmpty() || layout.isEmpty()) {
      return Optional.empty();
    }
    Optional<Field> seq = layout.get().find("gp_seq");
    Optional<Field> start = layout.get().find("gp_start");
    long nanos = memory.u64(tick.get());
    if (seq.isEmpty() || start.isEmpty() || nanos <= 0 || nanos > GREATEST_TICK) {
      return Optional.empty();
    }
    long before = seq.get().read(memory, state.get());
    long began = start.get().read(memory, state.get());
    long now = memory.u64(jiffies.get());
    if ((before & PHASE) == 0 || seq.get().read(memory, state.get()) != before) {
      return Optional.empty();
    }
    long ticks = Math.max(0, Math.min(now - began, Long.MAX_VALUE / nanos));
    return Optional.of(Duration.ofNanos(ticks * nanos));
  }

  private Optional<GuestVirtualAddress> address(String symbol) {
    return symbols.find(symbol).map(KernelSymbol::address);
  }
}
