package org.lucos.bridge.mmu;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import org.lucos.bridge.addr.GuestPhysicalAddress;
import org.lucos.bridge.memory.MemoryFaultException;
import org.lucos.bridge.memory.MemoryRegion;
import org.lucos.bridge.memory.PhysicalMemory;

/** RAM from address 0 on, in an array; remembers how it was read. */
final class ArrayMemory implements PhysicalMemory {
  final List<List<Slice>> reads = new ArrayList<>();
  long epoch;
  private final byte[] ram;

  ArrayMemory(int size) {
    this.ram = new byte[size];
  }

  @Override
  public List<MemoryRegion> regions() {
    return List.of(new MemoryRegion(new GuestPhysicalAddress(0), ram.length));
  }

  @Override
  public long epoch() {
    return epoch;
  }

  @Override
  public void read(GuestPhysicalAddress at, byte[] into, int offset, int length) {
    readAll(List.of(new Slice(at, into, offset, length)));
  }

  @Override
  public void readAll(List<Slice> slices) {
    reads.add(List.copyOf(slices));
    for (Slice slice : slices) {
      if (slice.at().value() + slice.length() > ram.length) {
        throw new MemoryFaultException("physical", slice.at().value(), slice.length(), "not RAM");
      }
      System.arraycopy(ram, (int) slice.at().value(), slice.into(), slice.offset(), slice.length());
    }
  }

  void put(long at, byte... bytes) {
    System.arraycopy(bytes, 0, ram, (int) at, bytes.length);
  }

  void put64(long at, long value) {
    ByteBuffer.wrap(ram).order(ByteOrder.LITTLE_ENDIAN).putLong((int) at, value);
  }
}
