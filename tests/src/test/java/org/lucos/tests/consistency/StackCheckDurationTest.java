package org.lucos.tests.consistency;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.lucos.bridge.domain.PausedGuest;
import org.lucos.bridge.vcpu.VcpuRegisters;
import org.lucos.patcher.consistency.NamedRange;
import org.lucos.patcher.consistency.PreparedCheck;
import org.lucos.patcher.consistency.StackReport;
import org.lucos.tests.guest.GuestSpec;
import org.lucos.tests.guest.TestGuest;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * How long a check takes while the guest stands still; the bounds are loose, the log has figures.
 */
class StackCheckDurationTest {
  private static final Logger LOG = LoggerFactory.getLogger(StackCheckDurationTest.class);
  private static final int PAUSES = 21;

  @ParameterizedTest
  @ValueSource(ints = {100, 1000, 5000})
  void growsModestlyWithTheNumberOfThreads(int threads) {
    GuestSpec spec = GuestSpec.cloud("6.1").withMemoryMib(1024);
    try (TestGuest guest = TestGuest.boot(spec);
        Attached attached = Attached.to(guest)) {
      guest.run(
          "ulimit -u unlimited; threads "
              + threads
              + " >/tmp/threads & while ! grep -q ready /tmp/threads; do sleep 1; done",
          Duration.ofMinutes(3));
      List<NamedRange> ranges = new ArrayList<>();
      for (String name : List.of("tcp_v4_connect", "do_mount", "pipe_write")) {
        ranges.addAll(attached.function(name));
      }
      long start = System.nanoTime();
      PreparedCheck prepared = attached.checker().prepare(ranges);
      final long preparation = System.nanoTime() - start;
      List<Long> checks = new ArrayList<>();
      List<Long> registers = new ArrayList<>();
      StackReport report = prepared.survey();
      for (int i = 0; i < PAUSES; i++) {
        try (PausedGuest paused = attached.domain().pause("test")) {
          long before = System.nanoTime();
          List<VcpuRegisters> vcpus = paused.registers();
          long middle = System.nanoTime();
          report = prepared.check(vcpus);
          checks.add(System.nanoTime() - middle);
          registers.add(middle - before);
        }
      }
      LOG.info(
          "{} tasks, {} words: prepare {} ms, registers {}, check first {}, median {}, worst {} ms",
          report.tasks(),
          report.words(),
          ms(preparation),
          ms(median(registers)),
          ms(checks.get(0)),
          ms(median(checks)),
          ms(checks.stream().max(Long::compare).orElseThrow()));
      assertThat(report.tasks()).isGreaterThan(threads);
      assertThat(Duration.ofNanos(median(checks))).isLessThan(Duration.ofMillis(500));
    }
  }

  private static long median(List<Long> values) {
    return values.stream().sorted().toList().get(values.size() / 2);
  }

  private static String ms(long nanos) {
    return String.format("%.2f", nanos / 1e6);
  }
}
