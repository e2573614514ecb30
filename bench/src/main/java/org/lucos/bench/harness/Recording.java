package org.lucos.bench.harness;

import java.util.List;

/** A scenario while it runs: since when, on which host, and what it has measured so far. */
public final class Recording {
  private final String started;
  private final Machine machine = Machine.now();
  private final Samples samples = new Samples();

  private Recording(String started) {
    this.started = started;
  }

  /** Begins now. */
  public static Recording begin(Setting setting) {
    return new Recording(setting.settings().clock().instant().toString());
  }

  /** Where samples go. */
  public Samples samples() {
    return samples;
  }

  /**
   * What it came to.
   *
   * @param guests as {@link Result#guests}
   * @param ratios as {@link Result#ratios}
   */
  public Result end(Scenario scenario, List<String> guests, List<String> ratios) {
    return new Result(scenario.name(), started, machine.after(), guests, samples.series(), ratios);
  }
}
