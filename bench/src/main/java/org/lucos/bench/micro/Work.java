package org.lucos.bench.micro;

import org.openjdk.jmh.annotations.AuxCounters;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;

/** What a benchmark has done, from which JMH makes the time for one of it; 0 is not counted. */
@State(Scope.Thread)
@AuxCounters(AuxCounters.Type.OPERATIONS)
public class Work {
  /** Bytes it went through. */
  public long bytes;

  /** Things it found, looked up or did. */
  public long items;
}
