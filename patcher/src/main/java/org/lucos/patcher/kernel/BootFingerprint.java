package org.lucos.patcher.kernel;

import com.google.common.hash.Hasher;
import com.google.common.hash.Hashing;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.UUID;
import java.util.function.LongSupplier;
import org.lucos.bridge.addr.AddressOutOfRangeException;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.bridge.memory.GatheredRead;
import org.lucos.bridge.memory.GuestMemory;
import org.lucos.bridge.memory.MemoryFaultException;
import org.lucos.patcher.bytes.MalformedDataException;

/**
 * What tells two boots of one kernel apart. The kernel's own boot id is made up only when a program
 * asks for it, so the fingerprint takes what every boot sets by itself and never changes again:
 * where KASLR put the kernel ({@code KERNELOFFSET}, {@code phys_base}), where the page of
 * VMCOREINFO is mapped, the first task's stack canary (random, where stacks are protected), and
 * when process 1 was made, in nanoseconds after the start.
 *
 * <p>Only a digest leaves this class: a stack canary is a secret of the guest.
 */
final class BootFingerprint {
  /** PANIC_CPU_INVALID. */
  private static final int NO_CPU = -1;

  private final GuestMemory memory;
  private final VmcoreInfo info;
  private final GuestVirtualAddress vmcoreInfo;
  private final GuestVirtualAddress initTask;
  private final GuestVirtualAddress systemState;
  private final Optional<GuestVirtualAddress> panicCpu;
  private final long running;
  private final long tasks;
  private final Field nextTask;
  private final Field pid;
  private final Field started;
  private final Optional<Field> canary;

  BootFingerprint(GuestMemory memory, VmcoreInfo info, SymbolTable symbols, BtfTypes types) {
    this.memory = memory;
    this.info = info;
    this.vmcoreInfo = symbols.address("vmcoreinfo_data");
    this.initTask = symbols.address("init_task");
    this.systemState = symbols.address("system_state");
    this.panicCpu = symbols.find("panic_cpu").map(KernelSymbol::address);
    this.running = types.enumerator("SYSTEM_RUNNING");
    StructLayout task = types.struct("task_struct");
    this.tasks = task.offsetOf("tasks");
    this.nextTask = task.field("tasks.next");
    this.pid = task.field("pid");
    this.started = task.field("start_boottime");
    this.canary = task.find("stack_canary");
  }

  /**
   * What guest memory says now.
   *
   * @throws MalformedDataException if there is no process 1 yet, or no sense in it
   */
  String read() {
    Look look = new Look();
    look.read();
    return digest(look);
  }

  /** What is where it is known to be. */
  private final class Look {
    private final GatheredRead all = new GatheredRead();
    private final LongSupplier state = all.number(systemState, Integer.BYTES);
    private final Optional<LongSupplier> cpuInPanic =
        panicCpu.map(at -> all.number(at, Integer.BYTES));
    private final LongSupplier next = nextTask.in(initTask, all);
    private final LongSupplier vmcore = all.u64(vmcoreInfo);
    private final Optional<LongSupplier> secret = canary.map(field -> field.in(initTask, all));

    void read() {
      all.from(memory);
    }

    boolean panicked() {
      return cpuInPanic.isPresent() && (int) cpuInPanic.get().getAsLong() != NO_CPU;
    }
  }

  private String digest(Look look) {
    GuestVirtualAddress node = new GuestVirtualAddress(look.next.getAsLong());
    GuestLists.requireObject("guest init_task", initTask, node);
    GuestVirtualAddress first = node.plus(-tasks);
    GatheredRead process = new GatheredRead();
    LongSupplier number = pid.in(first, process);
    LongSupplier start = started.in(first, process);
    process.from(memory);
    if (number.getAsLong() != 1) {
      throw new MalformedDataException("guest init_task", node.value(), "no process 1 yet");
    }
    Hasher hasher =
        Hashing.sha256()
            .newHasher()
            .putString(info.buildId(), StandardCharsets.US_ASCII)
            .putLong(info.slide())
            .putLong(info.physBase())
            .putLong(look.vmcore.getAsLong())
            .putLong(start.getAsLong());
    look.secret.ifPresent(secret -> hasher.putLong(secret.getAsLong()));
    return hasher.hash().toString().substring(0, 32);
  }

  /**
   * Whether a CPU is in panic() ({@code panic_cpu} of kernel/panic.c): the guest may stay so for
   * good, and only one with a panic device tells its hypervisor.
   */
  boolean hasPanicked() {
    return panicCpu.isPresent() && memory.i32(panicCpu.get()) != NO_CPU;
  }

  /**
   * Why guest memory no longer shows {@code boot}, up and running; empty if it does.
   *
   * @throws MemoryFaultException if what would tell cannot be read
   * @throws MalformedDataException if there is no sense in it
   * @throws AddressOutOfRangeException if it leads out of the address space
   */
  Optional<String> whyNot(String boot) {
    Look look = new Look();
    look.read();
    if (look.state.getAsLong() != running) {
      return Optional.of("its kernel shuts down, starts anew or is suspended");
    }
    if (look.panicked()) {
      return Optional.of("its kernel has panicked");
    }
    return digest(look).equals(boot)
        ? Optional.empty()
        : Optional.of("its memory is that of another boot");
  }

  /** {@code /proc/sys/kernel/random/boot_id}, if a program has asked for it since boot. */
  static Optional<UUID> bootId(GuestMemory memory, SymbolTable symbols) {
    return symbols
        .find("sysctl_bootid")
        .map(symbol -> ByteBuffer.wrap(memory.bytes(symbol.address(), 16)))
        .map(bytes -> new UUID(bytes.getLong(), bytes.getLong()))
        .filter(id -> !id.equals(new UUID(0, 0)));
  }
}
