package org.lucos.bench.micro;

import java.util.SplittableRandom;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

/** Copies within this process: what nothing that moves bytes can be faster than. */
@State(Scope.Benchmark)
@SuppressWarnings("NullAway.Init") // JMH calls the setup
public class CopyBenchmarks {
  private byte[] from;
  private byte[] into;

  /** Fills the source: memory that was never written to is no memory yet. */
  @Setup
  public void fill() {
    from = new byte[MemoryBenchmarks.BULK];
    into = new byte[MemoryBenchmarks.BULK];
    new SplittableRandom(1).nextBytes(from);
  }

  /** More than caches hold. */
  @Benchmark
  public byte[] bulk(Work work) {
    return copied(from.length, from.length, work);
  }

  /** As much as one of a kernel's tables. */
  @Benchmark
  public byte[] table(Work work) {
    return copied(4 << 20, 4 << 20, work);
  }

  /** Every other page. */
  @Benchmark
  public byte[] pages(Work work) {
    return copied(MemoryBenchmarks.PAGE, from.length / 2, work);
  }

  /** A cache line of every other page. */
  @Benchmark
  public byte[] lines(Work work) {
    return copied(
        MemoryBenchmarks.LINE,
        from.length / (2 * MemoryBenchmarks.PAGE) * MemoryBenchmarks.LINE,
        work);
  }

  /** Copies {@code total} bytes in pieces, which lie at every other page if they are small. */
  private byte[] copied(int piece, int total, Work work) {
    int step = Math.max(piece, 2 * MemoryBenchmarks.PAGE);
    for (int done = 0, at = 0; done < total; done += piece, at += step) {
      System.arraycopy(from, at, into, done, piece);
    }
    work.bytes += total;
    return into;
  }
}
