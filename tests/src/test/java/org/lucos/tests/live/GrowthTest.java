package org.lucos.tests.live;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class GrowthTest {
  @TempDir private Path folder;

  @Test
  void whatGrowsALittleEachTimeIsNoticedAndWhatOnlyVariesIsNot() throws IOException {
    Growth growth = new Growth(folder, "test");
    Random random = new Random(3);
    for (int time = 0; time < 200; time++) {
      long warm = Math.min(time, 20) * 100L; // a beginning does not count
      growth.add(
          5 * time,
          Map.of("grows", time + random.nextLong(20), "varies", warm + random.nextLong(50)));
    }
    assertThat(growth.between()).isEqualTo(500);
    assertThat(growth.grown().get("grows")).isBetween(80L, 120L);
    growth.assertWithin(Map.of("varies", 30L));
    assertThatThrownBy(() -> growth.assertWithin(Map.of("grows", 30L)))
        .isInstanceOf(AssertionError.class)
        .hasMessageContaining("grows");
    assertThatThrownBy(() -> growth.assertWithin(Map.of("other", 30L)))
        .isInstanceOf(AssertionError.class);
    growth.summarise(Map.of("cycles", 1000));
    assertThat(Files.readAllLines(folder.resolve("test.csv"))).hasSize(201);
    assertThat(folder.resolve("test.json")).content().contains("\"cycles\" : 1000");
  }
}
