package org.lucos.tests.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.lucos.bench.harness.Comparison;
import org.lucos.bench.harness.Result;
import org.lucos.bench.harness.ResultPage;
import org.lucos.bench.harness.Results;
import org.lucos.bench.harness.Scenario;
import org.lucos.bench.harness.Series;
import org.lucos.bench.harness.Setting;
import org.lucos.bench.scenario.BuildScenario;
import org.lucos.bench.scenario.CoverageScenario;
import org.lucos.bench.scenario.PauseScenario;
import org.lucos.bench.scenario.ScaleScenario;
import org.lucos.bench.scenario.Scenarios;
import org.lucos.bench.scenario.WorkloadScenario;
import org.lucos.patcher.app.Settings;
import org.lucos.tests.guest.Repository;

/** Each scenario runs and gives what it says it measures; its times are nobody's business here. */
class ScenariosTest {
  private static final List<Scenario> SMALLER =
      List.of(
          PauseScenario.of(10, 50),
          WorkloadScenario.of(2),
          new ScaleScenario(List.of(1, 2)),
          BuildScenario.ofOneFile(),
          new CoverageScenario(3));

  static Stream<Scenario> scenarios() {
    return Scenarios.brief().stream()
        .map(scenario -> Scenarios.named(scenario.name(), SMALLER).orElse(scenario));
  }

  @ParameterizedTest
  @MethodSource("scenarios")
  void scenarioRuns(Scenario scenario, @TempDir Path folder) {
    Map<String, String> environment = new HashMap<>(System.getenv());
    environment.put("LUCOS_RECIPES", Repository.root().resolve("kernel-patches").toString());
    Settings settings =
        Settings.from(environment, Optional.empty()).below(folder.resolve("product"));
    Setting setting =
        new Setting(
            Repository.root(),
            settings,
            folder.resolve("work"),
            List.of("--series", "6.1"),
            1,
            Optional.empty());

    Result result = scenario.run(setting, line -> System.out.println("  " + line));

    assertThat(result.scenario()).isEqualTo(scenario.name());
    assertThat(result.series()).isNotEmpty();
    assertThat(result.series()).allSatisfy(series -> assertThat(series.samples()).isNotEmpty());
    assertThat(result.series().stream().filter(Series::isCost))
        .anySatisfy(series -> assertThat(series.distribution().least()).isPositive());
    assertThat(result.ratios()).isNotEmpty();
    Result read = Results.read(Results.write(folder, result));
    assertThat(read).isEqualTo(result);
    Comparison comparison = Comparison.of(result, read, 0);
    assertThat(comparison.isSlower()).isFalse();
    assertThat(comparison.missing()).isEmpty();
    assertThat(ResultPage.html(List.of(result))).contains(scenario.name(), "<svg");
  }

  @Test
  void scenariosHaveNamesOfTheirOwn() {
    assertThat(Scenarios.all().stream().map(Scenario::name)).doesNotHaveDuplicates();
    assertThat(Scenarios.brief().stream().map(Scenario::name))
        .containsExactlyElementsOf(Scenarios.all().stream().map(Scenario::name).toList());
  }
}
