package org.lucos.patcher.kernel;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.bridge.memory.GuestMemory;
import org.lucos.patcher.bytes.MalformedDataException;

/**
 * Where a {@code task_struct} and what hangs off it have what {@link Task} tells (include/linux/
 * sched.h, sched/signal.h, cred.h). One span of bytes holds all the members wanted of a task; of it
 * only the members are kept, since there may be many tasks.
 */
final class TaskLayout {
  private static final int LARGEST_SPAN = 1 << 16;

  /** A member, and where it is in the bytes kept: its offset and this much. */
  record Slot(Field field, int shift) {
    long in(byte[] kept) {
      return field.read(kept, shift);
    }

    GuestVirtualAddress pointerIn(byte[] kept) {
      return new GuestVirtualAddress(in(kept));
    }
  }

  final Slot tasks;
  final Slot threadNode;
  final Slot signal;
  final Slot cred;
  final Field threadHead;
  final Field capabilities;
  final Field userNamespace;

  private final List<Slot> slots = new ArrayList<>();
  private final int start;
  private final int length;
  private int kept;

  private final Slot pid;
  private final Slot tgid;
  private final Slot comm;
  private final Slot flags;
  private final Slot state;
  private final Slot exitState;
  private final Slot onCpu;
  private final Slot cpu;
  private final Slot mm;
  private final Slot stack;
  private final Slot savedSp;
  private final Slot threadFlags;
  private final Slot taskWorks;
  private final Slot ptrace;
  private final Slot voluntary;
  private final Slot involuntary;
  private final long stackSize;
  private final GuestVirtualAddress initialUserNamespace;

  TaskLayout(SymbolTable symbols, BtfTypes types) {
    StructLayout task = types.struct("task_struct");
    tasks = slot(task.field("tasks.next"));
    threadNode = slot(task.field("thread_node.next"));
    signal = slot(task.field("signal"));
    cred = slot(task.field("cred"));
    pid = slot(task.field("pid"));
    tgid = slot(task.field("tgid"));
    comm = slot(task.field("comm"));
    flags = slot(task.field("flags"));
    state = slot(task.field("__state"));
    exitState = slot(task.field("exit_state"));
    onCpu = slot(task.field("on_cpu"));
    // in thread_info since 5.16
    cpu = slot(task.find("thread_info.cpu").orElseGet(() -> task.field("cpu")));
    mm = slot(task.field("mm"));
    stack = slot(task.field("stack"));
    savedSp = slot(task.field("thread.sp"));
    threadFlags = slot(task.field("thread_info.flags"));
    taskWorks = slot(task.field("task_works"));
    ptrace = slot(task.field("ptrace"));
    voluntary = slot(task.field("nvcsw"));
    involuntary = slot(task.field("nivcsw"));
    long first = slots.stream().mapToLong(slot -> slot.field().offset()).min().orElseThrow();
    long end = slots.stream().mapToLong(slot -> end(slot.field())).max().orElseThrow();
    if (end - first > LARGEST_SPAN) {
      throw new MalformedDataException("guest BTF", 0, "absurd size of task_struct: " + end);
    }
    start = (int) first;
    length = (int) (end - first);

    threadHead = types.struct("signal_struct").field("thread_head.next");
    StructLayout credentials = types.struct("cred");
    // two 32-bit words, since 6.3 one of 64 bits: the same bytes
    capabilities = credentials.field("cap_effective");
    userNamespace = credentials.field("user_ns");
    initialUserNamespace = symbols.address("init_user_ns");
    stackSize = stackSize(symbols);
  }

  private Slot slot(Field field) {
    if (field.size() > LARGEST_SPAN || end(field) > Integer.MAX_VALUE) {
      throw new MalformedDataException("guest BTF", 0, "absurd size of " + field.path());
    }
    Slot slot = new Slot(field, kept - (int) field.offset());
    kept += (int) field.size();
    slots.add(slot);
    return slot;
  }

  private static long end(Field field) {
    return field.offset() + field.size();
  }

  /** {@code THREAD_SIZE}: the size the linker script gives to the first task's stack. */
  private static long stackSize(SymbolTable symbols) {
    GuestVirtualAddress end =
        symbols
            .find("__end_init_stack")
            .map(KernelSymbol::address)
            .orElseGet(() -> symbols.address("__end_init_task"));
    long size = end.minus(symbols.address("init_stack"));
    if (size < 4096 || size > 1 << 20 || Long.bitCount(size) != 1) {
      throw new MalformedDataException("guest init_stack", 0, "absurd stack size: " + size);
    }
    return size;
  }

  /** Room for the span of a task. */
  byte[] newSpan() {
    return new byte[length];
  }

  /** A slice that reads a task's span. */
  GuestMemory.Slice slice(GuestVirtualAddress task, byte[] span) {
    return new GuestMemory.Slice(task.plus(start), span, 0, length);
  }

  /** The members of a span, which {@link Slot}s read. */
  byte[] membersOf(byte[] span) {
    byte[] members = new byte[kept];
    for (Slot slot : slots) {
      int offset = (int) slot.field().offset();
      System.arraycopy(
          span, offset - start, members, offset + slot.shift(), (int) slot.field().size());
    }
    return members;
  }

  /** Puts a task together from its members and its credentials. */
  Task task(GuestVirtualAddress struct, byte[] members, long effective, long namespace) {
    return new Task(
        struct,
        (int) pid.in(members),
        (int) tgid.in(members),
        name(members),
        flags.in(members),
        state.in(members),
        exitState.in(members),
        onCpu.in(members) != 0,
        (int) cpu.in(members),
        mm.pointerIn(members),
        stack.pointerIn(members),
        stackSize,
        savedSp.pointerIn(members),
        threadFlags.in(members),
        struct.plus(threadFlags.field().offset()),
        struct.plus(taskWorks.field().offset()),
        effective,
        namespace == initialUserNamespace.value(),
        ptrace.in(members),
        voluntary.in(members),
        involuntary.in(members));
  }

  private String name(byte[] members) {
    int from = (int) comm.field().offset() + comm.shift();
    int end = 0;
    while (end < comm.field().size() && members[from + end] != 0) {
      end++;
    }
    return new String(members, from, end, StandardCharsets.ISO_8859_1);
  }
}
