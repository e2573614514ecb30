package org.lucos.patcher.kernel;

import com.google.common.hash.Hasher;
import com.google.common.hash.Hashing;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.UUID;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.bridge.memory.GuestMemory;
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
  private BootFingerprint() {}

  /** 32 hexadecimal digits. */
  static String read(GuestMemory memory, VmcoreInfo info, SymbolTable symbols, BtfTypes types) {
    StructLayout task = types.struct("task_struct");
    GuestVirtualAddress initTask = symbols.address("init_task");
    GuestVirtualAddress node = task.field("tasks.next").readPointer(memory, initTask);
    GuestLists.requireObject("guest init_task", initTask, node);
    GuestVirtualAddress first = node.plus(-task.offsetOf("tasks"));
    if (task.field("pid").read(memory, first) != 1) {
      throw new MalformedDataException("guest init_task", node.value(), "no process 1 yet");
    }
    Hasher hasher =
        Hashing.sha256()
            .newHasher()
            .putString(info.buildId(), StandardCharsets.US_ASCII)
            .putLong(info.slide())
            .putLong(info.physBase())
            .putLong(memory.u64(symbols.address("vmcoreinfo_data")))
            .putLong(task.field("start_boottime").read(memory, first));
    task.find("stack_canary").ifPresent(canary -> hasher.putLong(canary.read(memory, initTask)));
    return hasher.hash().toString().substring(0, 32);
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
