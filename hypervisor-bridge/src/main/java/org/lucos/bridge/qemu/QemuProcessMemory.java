package org.lucos.bridge.qemu;

import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.IntSupplier;
import org.lucos.bridge.addr.GuestPhysicalAddress;
import org.lucos.bridge.jna.NativeCallException;
import org.lucos.bridge.jna.ProcessMemory;
import org.lucos.bridge.memory.MemoryFaultException;
import org.lucos.bridge.memory.MemoryRegion;
import org.lucos.bridge.memory.PhysicalMemory;

/** A guest's RAM where QEMU has it mapped, copied by the kernel from process to process. */
final class QemuProcessMemory implements PhysicalMemory {
  private static final String SPACE = "physical";

  /**
   * A RAM region and where QEMU has it.
   *
   * @param hostAddress of the region's first byte, in QEMU
   */
  record Mapping(MemoryRegion region, long hostAddress) {}

  private final Mapping[] mappings;
  private final List<MemoryRegion> regions;
  private final ProcessMemory process;
  private final AtomicLong epoch = new AtomicLong();

  QemuProcessMemory(List<Mapping> mappings, ProcessMemory process) {
    this.mappings = mappings.toArray(Mapping[]::new);
    this.regions = mappings.stream().map(Mapping::region).toList();
    this.process = process;
  }

  @Override
  public List<MemoryRegion> regions() {
    return regions;
  }

  @Override
  public long epoch() {
    return epoch.get();
  }

  /** To be called whenever the guest was stopped or let run. */
  void beginEpoch() {
    epoch.incrementAndGet();
  }

  @Override
  public void read(GuestPhysicalAddress at, byte[] into, int offset, int length) {
    readAll(List.of(new Slice(at, into, offset, length)));
  }

  @Override
  public synchronized void readAll(List<Slice> slices) {
    int slice = 0; // first slice that has bytes not yet in the batch
    int inSlice = 0; // its bytes that are
    while (slice < slices.size()) {
      int firstSlice = slice;
      int firstOffset = inSlice;
      process.clear();
      while (slice < slices.size() && process.room() > 0) {
        Slice next = slices.get(slice);
        Objects.checkFromIndexSize(next.offset(), next.length(), next.into().length);
        int length = Math.min(next.length() - inSlice, process.room());
        if (length > 0) {
          length = add(next.at().value() + inSlice, length, next);
        }
        inSlice += length;
        if (inSlice == next.length()) {
          slice++;
          inSlice = 0;
        }
      }
      if (process.bytes() > 0) {
        fetch(slices, firstSlice, firstOffset);
      }
    }
  }

  /** Reads the batch and deals it out, from {@code offset} of slice number {@code slice} on. */
  private void fetch(List<Slice> slices, int slice, int offset) {
    int moved = moved("read", slices.get(slice), process::read);
    int taken = 0;
    int next = slice;
    int from = offset;
    while (taken < process.bytes()) {
      Slice target = slices.get(next);
      int length = Math.min(target.length() - from, process.bytes() - taken);
      if (taken + length > moved) {
        throw fault(target.at().value(), target.length(), "QEMU has it not mapped any more");
      }
      process.buffer().get(taken, target.into(), target.offset() + from, length);
      taken += length;
      next++;
      from = 0;
    }
  }

  /**
   * Writes behind QEMU's back.
   *
   * @throws MemoryFaultException if any byte is not RAM
   */
  synchronized void write(GuestPhysicalAddress at, byte[] bytes) {
    Slice whole = new Slice(at, bytes, 0, bytes.length);
    int done = 0;
    while (done < bytes.length) {
      process.clear();
      int wanted = Math.min(bytes.length - done, process.room());
      int length = add(at.value() + done, wanted, whole);
      process.buffer().put(0, bytes, done, length);
      if (moved("write", whole, process::write) != length) {
        throw fault(at.value(), bytes.length, "QEMU has it not mapped writable");
      }
      done += length;
    }
  }

  private static int moved(String what, Slice first, IntSupplier call) {
    try {
      return call.getAsInt();
    } catch (NativeCallException e) {
      MemoryFaultException fault =
          fault(first.at().value(), first.length(), what + " failed: " + e.getMessage());
      fault.initCause(e);
      throw fault;
    }
  }

  /** Adds as much of the bytes as lies in one mapping; returns how much. */
  private int add(long physical, int length, Slice asked) {
    Mapping mapping = mapping(physical, asked);
    long offset = physical - mapping.region().start().value();
    int added = (int) Math.min(length, mapping.region().size() - offset);
    process.add(mapping.hostAddress() + offset, added);
    return added;
  }

  private Mapping mapping(long physical, Slice asked) {
    int low = 0;
    int high = mappings.length - 1;
    while (low <= high) {
      int middle = (low + high) >>> 1;
      long offset = physical - mappings[middle].region().start().value();
      if (offset < 0) {
        high = middle - 1;
      } else if (offset >= mappings[middle].region().size()) {
        low = middle + 1;
      } else {
        return mappings[middle];
      }
    }
    throw fault(asked.at().value(), asked.length(), "not RAM");
  }

  private static MemoryFaultException fault(long address, long size, String reason) {
    return new MemoryFaultException(SPACE, address, size, reason);
  }

  @Override
  public String toString() {
    return "QemuProcessMemory" + Arrays.toString(mappings);
  }
}
