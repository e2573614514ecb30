package org.lucos.bench.scenario;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class OpenLoopTest {
  private static final Duration INTERVAL = Duration.ofMillis(5);
  private static final Duration MARGIN = Duration.ofMillis(150);

  private static void sleep(long millis) {
    try {
      Thread.sleep(millis);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Test
  void thoseWhoWaitBehindASlowAnswerAreCounted() {
    AtomicInteger asked = new AtomicInteger();
    try (OpenLoop service =
        new OpenLoop(
            () -> {
              if (asked.incrementAndGet() == 3) {
                sleep(100);
              }
            },
            INTERVAL)) {
      List<Long> latencies = service.around(MARGIN, () -> {});
      assertThat(latencies).hasSizeGreaterThan(20).hasSize(asked.get());
      // A hundred milliseconds are some twenty questions: half of them wait for more than half as
      // long.
      assertThat(latencies.stream().filter(micros -> micros > 50_000))
          .hasSizeGreaterThanOrEqualTo(8);
    }
  }

  @Test
  void workIsDoneWhileTheServiceIsAskedAndFailuresAreTold() {
    AtomicInteger asked = new AtomicInteger();
    try (OpenLoop service = new OpenLoop(asked::incrementAndGet, INTERVAL)) {
      AtomicInteger before = new AtomicInteger();
      service.around(MARGIN, () -> before.set(asked.get()));
      assertThat(before.get()).isPositive();
      assertThat(asked.get()).isGreaterThan(before.get());
    }
    try (OpenLoop service =
        new OpenLoop(
            () -> {
              throw new IllegalArgumentException("no answer");
            },
            INTERVAL)) {
      assertThatThrownBy(() -> service.around(INTERVAL, () -> {}))
          .hasMessageContaining("does not answer")
          .hasRootCauseMessage("no answer");
    }
  }
}
