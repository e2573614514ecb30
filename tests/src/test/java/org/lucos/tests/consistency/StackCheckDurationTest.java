package org.lucos.tests.consistency;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.ToLongFunction;
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
 * What a check reads in the pause does not depend on how many threads there are. Counts are
 * compared, not times; those are in the log, and {@code lucos-bench run pause} measures them.
 */
class StackCheckDurationTest {
  private static final Logger LOG = LoggerFactory.getLogger(StackCheckDurationTest.class);
  private static final int PAUSES = 21;
  private static final int FEW = 100;
  private static final int MANY = Integer.getInteger("lucos.threads", 1500);

  /** Tasks that happen to be awake; nowhere near the number of threads. */
  private static final int MARGIN = 100;

  /** One look in a pause. */
  private record Look(StackReport report, long registersNanos, long checkNanos) {}

  @ParameterizedTest
  @ValueSource(strings = {"6.1", "6.12"})
  void whatIsReadAgainInThePauseDoesNotGrowWithTheThreads(String series) {
    GuestSpec spec = GuestSpec.cloud(series).withMemoryMib(1024);
    try (TestGuest guest = TestGuest.boot(spec);
        Attached attached = Attached.to(guest)) {
      List<NamedRange> ranges = new ArrayList<>();
      for (String name : List.of("tcp_v4_connect", "pipe_write")) {
        ranges.addAll(attached.function(name));
      }
      List<Look> few = looks(guest, attached, ranges, FEW);
      List<Look> many = looks(guest, attached, ranges, MANY);
      assertThat(median(many, look -> look.report().tasks())).isGreaterThan(FEW + MANY);
      assertThat(median(many, look -> look.report().reread()))
          .isLessThanOrEqualTo(median(few, look -> look.report().reread()) + MARGIN);
      assertThat(median(many, look -> look.report().words()))
          .isLessThanOrEqualTo(2 * median(few, look -> look.report().words()) + 16L * MARGIN);
    }
  }

  private static List<Look> looks(
      TestGuest guest, Attached attached, List<NamedRange> ranges, int threads) {
    String log = "/tmp/threads" + threads;
    guest.run(
        "ulimit -u unlimited; threads "
            + threads
            + " >"
            + log
            + " & while ! grep -q ready "
            + log
            + "; do sleep 1; done",
        Duration.ofMinutes(3));
    List<Look> looks = new ArrayList<>();
    PreparedCheck prepared = attached.checker().prepare(ranges);
    for (int i = 0; i < PAUSES; i++) {
      prepared.survey();
      try (PausedGuest paused = attached.domain().pause("test", prepared::lastLook)) {
        long before = System.nanoTime();
        List<VcpuRegisters> vcpus = paused.registers();
        long middle = System.nanoTime();
        StackReport report = prepared.check(vcpus);
        looks.add(new Look(report, middle - before, System.nanoTime() - middle));
      }
    }
    LOG.info(
        "{} tasks: read again {} (most {}), words {}; registers {} us, check {} us (most {})",
        median(looks, look -> look.report().tasks()),
        median(looks, look -> look.report().reread()),
        looks.stream().mapToInt(look -> look.report().reread()).max().orElseThrow(),
        median(looks, look -> look.report().words()),
        median(looks, Look::registersNanos) / 1000,
        median(looks, Look::checkNanos) / 1000,
        looks.stream().mapToLong(Look::checkNanos).max().orElseThrow() / 1000);
    return looks;
  }

  private static long median(List<Look> looks, ToLongFunction<Look> value) {
    return looks.stream().mapToLong(value).sorted().toArray()[looks.size() / 2];
  }
}
