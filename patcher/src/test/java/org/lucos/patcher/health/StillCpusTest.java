package org.lucos.patcher.health;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.patcher.kernel.RunQueue;

class StillCpusTest {
  private final StillCpus cpus = new StillCpus();

  private static RunQueue queue(int cpu, boolean idle, long clock, long switches) {
    return new RunQueue(
        cpu, 1, switches, new GuestVirtualAddress(-4096), idle, clock, Optional.empty());
  }

  private List<String> look(long seconds, RunQueue... now) {
    return cpus.look(List.of(now), Duration.ofSeconds(seconds).toNanos()).stream()
        .map(still -> still.cpu() + " for " + still.since().toSeconds())
        .toList();
  }

  @Test
  void aCpuStandsStillWhileItRunsSomethingAndItsClockDoesNotMove() {
    assertThat(look(10, queue(0, false, 7, 5), queue(1, false, 7, 5))).isEmpty();
    assertThat(look(12, queue(0, false, 7, 5), queue(1, false, 8, 5))).containsExactly("0 for 2");
    assertThat(look(40, queue(0, false, 7, 5), queue(1, false, 8, 5)))
        .containsExactly("0 for 30", "1 for 28");
    assertThat(look(41, queue(0, false, 7, 6), queue(1, true, 8, 5))).isEmpty();
    assertThat(look(45, queue(0, false, 7, 6), queue(1, false, 8, 5))).containsExactly("0 for 4");
  }

  @Test
  void idleCpusMayStandStill() {
    look(10, queue(0, true, 7, 5));
    assertThat(look(100, queue(0, true, 7, 5))).isEmpty();
  }

  @Test
  void whatNobodySawDoesNotCount() {
    look(10, queue(0, false, 7, 5));
    cpus.forget();
    assertThat(look(100, queue(0, false, 7, 5))).isEmpty();
  }
}
