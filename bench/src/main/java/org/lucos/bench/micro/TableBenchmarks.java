package org.lucos.bench.micro;

import java.util.Arrays;
import java.util.Optional;
import java.util.SplittableRandom;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.patcher.kernel.BtfTypes;
import org.lucos.patcher.kernel.Kallsyms;
import org.lucos.patcher.kernel.OrcEntry;
import org.lucos.patcher.kernel.OrcTables;
import org.lucos.patcher.kernel.RunningKernel;
import org.lucos.patcher.kernel.SymbolTable;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.infra.Blackhole;

/** Making sense of the tables by which a kernel describes itself, once they have been read. */
@State(Scope.Benchmark)
@SuppressWarnings("NullAway.Init") // JMH calls the setup
public class TableBenchmarks {
  private static final int LOOKUPS = 4096;

  private RunningKernel kernel;
  private RecordedMemory symbolMemory;
  private RecordedMemory orcMemory;
  private byte[] btf;
  private OrcTables orc;
  private GuestVirtualAddress[] instructions;
  private int[] starts;
  private int[] wanted;

  /** Reads them. */
  @Setup
  public void read(AttachedGuest guest) {
    kernel = guest.kernel();
    symbolMemory = new RecordedMemory(kernel.memory());
    SymbolTable symbols = Kallsyms.read(symbolMemory, kernel.vmcoreInfo());
    GuestVirtualAddress start = symbols.address("__start_BTF");
    btf = kernel.memory().bytes(start, Math.toIntExact(symbols.address("__stop_BTF").minus(start)));
    orcMemory = new RecordedMemory(kernel.memory());
    orc = OrcTables.read(orcMemory, symbols, kernel.types());
    SplittableRandom random = new SplittableRandom(1);
    instructions =
        random
            .longs(LOOKUPS, 0, kernel.text().size())
            .mapToObj(kernel.text().start()::plus)
            .toArray(GuestVirtualAddress[]::new);
    starts = random.ints(orc.size()).sorted().toArray();
    wanted = random.ints(LOOKUPS).toArray();
  }

  /** Symbols. */
  @Benchmark
  public SymbolTable kallsyms(Work work) {
    SymbolTable symbols = Kallsyms.read(symbolMemory, kernel.vmcoreInfo());
    work.bytes += symbolMemory.bytes();
    work.items += symbols.size();
    return symbols;
  }

  /** Types. */
  @Benchmark
  public BtfTypes btf(Work work) {
    BtfTypes types = BtfTypes.parse("guest BTF", btf);
    work.bytes += btf.length;
    return types;
  }

  /** Unwind data. */
  @Benchmark
  public OrcTables orc(Work work) {
    OrcTables tables = OrcTables.read(orcMemory, kernel.symbols(), kernel.types());
    work.bytes += orcMemory.bytes();
    work.items += tables.size();
    return tables;
  }

  /** How to unwind at places all over the kernel's code. */
  @Benchmark
  public void orcLookup(Work work, Blackhole hole) {
    for (GuestVirtualAddress instruction : instructions) {
      Optional<OrcEntry> entry = orc.find(instruction);
      hole.consume(entry);
    }
    work.items += instructions.length;
  }

  /** A search among as many numbers. */
  @Benchmark
  public void search(Work work, Blackhole hole) {
    for (int number : wanted) {
      hole.consume(Arrays.binarySearch(starts, number));
    }
    work.items += wanted.length;
  }
}
