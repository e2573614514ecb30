package org.lucos.bench.micro;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.bridge.memory.PhysicalMemory;
import org.lucos.bridge.mmu.PageWalker;
import org.lucos.bridge.mmu.PagingRoot;
import org.lucos.bridge.mmu.Translation;
import org.lucos.bridge.mmu.VirtualMemory;
import org.lucos.patcher.kernel.Task;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.infra.Blackhole;

/** From virtual to physical addresses: the pages of kernel stacks, which are mapped one by one. */
@State(Scope.Benchmark)
@SuppressWarnings("NullAway.Init") // JMH calls the setup
public class WalkBenchmarks {
  private PhysicalMemory memory;
  private PagingRoot root;
  private PageWalker walker;
  private VirtualMemory virtual;
  private List<GuestVirtualAddress> pages;
  private Map<Long, Long> map;
  private byte[] word;

  /** Chooses the pages. */
  @Setup
  public void choose(AttachedGuest guest) {
    memory = guest.domain().memory();
    root = guest.kernel().vmcoreInfo().pagingRoot();
    walker = new PageWalker(memory, root);
    virtual = new VirtualMemory(memory, root);
    pages = new ArrayList<>();
    map = new HashMap<>();
    word = new byte[Long.BYTES];
    for (Task thread : guest.kernelThreads()) {
      for (long at = 0; at < thread.stackSize(); at += MemoryBenchmarks.PAGE) {
        pages.add(thread.stack().plus(at));
      }
    }
    pages.forEach(page -> map.put(page.value(), virtual.physical(page).value()));
  }

  /** Every entry read from the guest when it is needed. */
  @Benchmark
  public void uncached(Work work, Blackhole hole) {
    for (GuestVirtualAddress page : pages) {
      Optional<Translation> found = walker.translate(page);
      if (found.isEmpty()) {
        throw new IllegalStateException("not mapped any more: " + page);
      }
      hole.consume(found);
    }
    work.items += pages.size();
  }

  /** So many reads of an entry as an uncached walk makes, and nothing else. */
  @Benchmark
  public byte[] entries(Work work) {
    for (int page = 0; page < pages.size(); page++) {
      for (int level = 0; level < root.levels(); level++) {
        memory.read(root.table(), word, 0, word.length);
      }
    }
    work.items += pages.size();
    return word;
  }

  /** With tables that are read whole, and kept for the next page. */
  @Benchmark
  public void firstTime(Work work, Blackhole hole) {
    virtual.forgetTranslations();
    translate(work, hole);
  }

  /** What has been translated before; now and then the tables are read again. */
  @Benchmark
  public void cached(Work work, Blackhole hole) {
    translate(work, hole);
  }

  private void translate(Work work, Blackhole hole) {
    for (GuestVirtualAddress page : pages) {
      hole.consume(virtual.physical(page));
    }
    work.items += pages.size();
  }

  /** A hash map of as many pages. */
  @Benchmark
  public void map(Work work, Blackhole hole) {
    for (GuestVirtualAddress page : pages) {
      hole.consume(map.get(page.value()));
    }
    work.items += pages.size();
  }
}
