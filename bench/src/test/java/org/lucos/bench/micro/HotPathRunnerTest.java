package org.lucos.bench.micro;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.openjdk.jmh.runner.BenchmarkList;
import org.openjdk.jmh.runner.BenchmarkListEntry;
import org.openjdk.jmh.runner.format.OutputFormatFactory;
import org.openjdk.jmh.runner.options.VerboseMode;

class HotPathRunnerTest {
  private static final HotPathRunner RUNNER =
      new HotPathRunner(
          new HotPathRunner.Effort(false, 1, 3, Duration.ofMillis(20)),
          Map.of("connection", "test:///none", "guest", "none", "cache", "none", "bundle", "none"));

  @Test
  void everyPathIsABenchmarkAndEveryBenchmarkAPath() {
    Set<String> there =
        BenchmarkList.defaultList()
            .find(
                OutputFormatFactory.createFormatInstance(System.out, VerboseMode.SILENT),
                List.of("org\\.lucos\\..*"),
                List.of())
            .stream()
            .map(BenchmarkListEntry::getUsername)
            .collect(Collectors.toSet());

    assertThat(EnumSet.allOf(HotPath.class))
        .extracting(HotPath::benchmark)
        .containsExactlyInAnyOrderElementsOf(there);
  }

  @ParameterizedTest
  @EnumSource(names = {"COPY_TABLE", "COPY_LINES", "RSP_ENCODE", "RSP_DECODE"})
  void everyIterationIsGivenWithWhatItCounts(HotPath path) {
    List<Iteration> iterations = RUNNER.run(path);

    assertThat(iterations)
        .hasSize(3)
        .allSatisfy(
            each -> {
              assertThat(each.nanosPerByte().orElseThrow()).isPositive().isLessThan(10_000);
              assertThat(each.nanosPerItem().isPresent()).isEqualTo(!path.items().isEmpty());
            });
  }

  @Test
  void pathThatCannotBeMeasuredFails() {
    assertThatThrownBy(() -> RUNNER.run(HotPath.LINK))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageStartingWith(HotPath.LINK.benchmark())
        .hasMessageContaining("/none");
  }
}
