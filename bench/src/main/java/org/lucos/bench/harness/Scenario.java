package org.lucos.bench.harness;

import java.util.function.Consumer;

/** Something to be measured. */
public interface Scenario {
  /** A short name, for the command line and for files. */
  String name();

  /** What it measures, in one line. */
  String description();

  /**
   * Measures.
   *
   * @param progress is told what is going on, a line at a time
   */
  Result run(Setting setting, Consumer<String> progress);
}
