package org.lucos.bench.scenario;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.lucos.bench.harness.Samples;

class BuildScenarioTest {
  @Test
  void theLongestStandsBesideWhatIsPromised() {
    Samples samples = new Samples();
    samples.add("one file", BuildScenario.COLD, 8_000_000);
    samples.add("one file", BuildScenario.COLD, 9_000_000);
    samples.add("one file", BuildScenario.SAME, 1_500_000);
    samples.add("one file", BuildScenario.OTHER, 2_500_000);
    samples.add("one file", BuildScenario.OBJECTS, "objects", 1);

    assertThat(BuildScenario.bounds("one file", samples))
        .isEqualTo(
            "one file (objects that differ: 1), the longest: cold 9.0 s (promised: less than 180), the same once"
                + " more 1.5 s, another change 2.5 s (promised: less than 30)");
  }
}
