package org.lucos.bench.scenario;

import java.util.List;
import java.util.Optional;
import org.lucos.bench.harness.Scenario;

/** All scenarios there are. */
public final class Scenarios {
  private Scenarios() {}

  /** In the order they are run. */
  public static List<Scenario> all() {
    return List.of(
        new PauseScenario(),
        new EffectScenario(),
        new CallCostScenario(),
        new GuestCallScenario(),
        new AttachScenario());
  }

  /** The one of this name. */
  public static Optional<Scenario> named(String name) {
    return all().stream().filter(scenario -> scenario.name().equals(name)).findFirst();
  }
}
