package org.lucos.bench.micro;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.lucos.bridge.addr.GuestPhysicalAddress;
import org.lucos.bridge.memory.MemoryRegion;
import org.lucos.bridge.memory.PhysicalMemory;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

/** Reading a guest's memory by physical address: much at once, and many pieces at once. */
@State(Scope.Benchmark)
@SuppressWarnings("NullAway.Init") // JMH calls the setup
public class MemoryBenchmarks {
  static final int BULK = 64 << 20;
  static final int PAGE = 4096;
  static final int LINE = 64;

  private PhysicalMemory memory;
  private GuestPhysicalAddress start;
  private byte[] into;
  private List<PhysicalMemory.Slice> pages;
  private List<PhysicalMemory.Slice> lines;

  /** Chooses what to read. */
  @Setup
  public void choose(AttachedGuest guest) {
    memory = guest.domain().memory();
    MemoryRegion ram =
        memory.regions().stream()
            .max(Comparator.comparingLong(MemoryRegion::size))
            .filter(region -> region.size() >= BULK)
            .orElseThrow(() -> new IllegalStateException("the guest has too little memory"));
    start = ram.start();
    into = new byte[BULK];
    pages = everyOtherPage(PAGE);
    lines = everyOtherPage(LINE);
  }

  private List<PhysicalMemory.Slice> everyOtherPage(int piece) {
    List<PhysicalMemory.Slice> slices = new ArrayList<>();
    for (int at = 0, done = 0; at < BULK; at += 2 * PAGE, done += piece) {
      slices.add(new PhysicalMemory.Slice(start.plus(at), into, done, piece));
    }
    return slices;
  }

  /** All of it in one go. */
  @Benchmark
  public byte[] bulk(Work work) {
    memory.read(start, into, 0, BULK);
    work.bytes += BULK;
    return into;
  }

  /** Every other page. */
  @Benchmark
  public byte[] pages(Work work) {
    return all(pages, PAGE, work);
  }

  /** A cache line of every other page. */
  @Benchmark
  public byte[] lines(Work work) {
    return all(lines, LINE, work);
  }

  private byte[] all(List<PhysicalMemory.Slice> slices, int piece, Work work) {
    memory.readAll(slices);
    work.bytes += (long) slices.size() * piece;
    work.items += slices.size();
    return into;
  }
}
