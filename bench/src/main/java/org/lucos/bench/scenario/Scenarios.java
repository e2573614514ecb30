package org.lucos.bench.scenario;

import java.util.List;
import java.util.Optional;
import org.lucos.bench.harness.Scenario;

/** All scenarios there are. */
public final class Scenarios {
  private static final int BRIEF_FILES = 4;

  private Scenarios() {}

  /** In the order they are run. */
  public static List<Scenario> all() {
    return List.of(
        PauseScenario.whole(),
        new GapScenario(),
        new ServiceScenario(),
        new EffectScenario(),
        new CallCostScenario(),
        new GuestCallScenario(),
        AttachScenario.whole(),
        new HotPathsScenario(),
        new RollbackScenario(),
        WorkloadScenario.whole(),
        new ScaleScenario(),
        new BuildScenario(),
        new CoverageScenario());
  }

  /** The same with less to do, to be had in minutes. */
  public static List<Scenario> brief() {
    return List.of(
        PauseScenario.of(100, 1000),
        new GapScenario(),
        new ServiceScenario(),
        new EffectScenario(),
        new CallCostScenario(),
        new GuestCallScenario(),
        AttachScenario.small(),
        HotPathsScenario.brief(),
        new RollbackScenario(),
        WorkloadScenario.brief(),
        new ScaleScenario(List.of(1, 2, 4)),
        BuildScenario.brief(),
        new CoverageScenario(BRIEF_FILES));
  }

  /** The one of this name. */
  public static Optional<Scenario> named(String name, List<Scenario> among) {
    return among.stream().filter(scenario -> scenario.name().equals(name)).findFirst();
  }
}
