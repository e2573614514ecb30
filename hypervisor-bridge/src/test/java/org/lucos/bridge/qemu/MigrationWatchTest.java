package org.lucos.bridge.qemu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Test;
import org.lucos.bridge.domain.DomainRefusal;
import org.lucos.bridge.domain.DomainRefusedException;
import org.lucos.bridge.domain.DomainState;

/** Migrations of libvirt's and of QEMU's own are refused, or held until they end. */
class MigrationWatchTest {
  private final AtomicInteger looks = new AtomicInteger();
  private final AtomicLong clock = new AtomicLong();

  private MigrationWatch watch(FakeControl control, BooleanSupplier alive) {
    return new MigrationWatch(
        control, new QemuMonitor(control), alive, () -> clock.getAndAdd(1_000_000_000L));
  }

  /** A migration that is over at the {@code last} look. */
  private FakeControl migrating(int last, String end) {
    return new FakeControl(
        command ->
            command.contains("query-migrate")
                ? "{\"return\":{\"status\":\""
                    + (looks.incrementAndGet() < last ? "active" : end)
                    + "\"}}"
                : FakeControl.healthy(command));
  }

  private static DomainRefusal refusal(MigrationWatch watch) {
    DomainRefusedException refused =
        catchThrowableOfType(DomainRefusedException.class, watch::requireSettled);
    assertThat(refused).isNotNull();
    return refused.refusal();
  }

  @Test
  void everyPhaseOfAMigrationIsRefusedAtOnceUnlessToldToWait() {
    for (String phase :
        new String[] {"setup", "active", "device", "pre-switchover", "postcopy-active", "new"}) {
      looks.set(0);
      assertThat(refusal(watch(migrating(1, phase), () -> true)))
          .isEqualTo(new DomainRefusal.Migrating("guest", phase));
      assertThat(looks).hasValue(1);
    }
  }

  @Test
  void migrationThatFailsOrIsCancelledLetsTheWaitingOneGoOn() {
    for (String end : new String[] {"failed", "cancelled"}) {
      looks.set(0);
      MigrationWatch watch = watch(migrating(3, end), () -> true);
      watch.hold(Duration.ofMinutes(1));
      watch.requireSettled();
      assertThat(looks).hasValue(3);
    }
  }

  @Test
  void patienceEnds() {
    FakeControl saving = new FakeControl(FakeControl::healthy);
    saving.job = Optional.of("save");
    MigrationWatch watch = watch(saving, () -> true);
    watch.hold(Duration.ofSeconds(3));
    assertThat(refusal(watch)).isEqualTo(new DomainRefusal.Migrating("guest", "save"));
  }

  @Test
  void guestThatWentWithItsMigrationHasLeftTheHost() {
    MigrationWatch watch = watch(migrating(9, "completed"), () -> looks.get() < 3);
    watch.hold(Duration.ofMinutes(1));
    assertThat(refusal(watch)).isEqualTo(new DomainRefusal.LeftHost("guest"));
  }

  @Test
  void migrationThatBeganInAPauseIsCancelled() {
    FakeControl control = new FakeControl(FakeControl::healthy);
    MigrationWatch watch = watch(control, () -> true);
    watch.endWhatBeganInAPause();
    assertThat(control.commands).isEmpty();
    control.job = Optional.of("migration");
    watch.endWhatBeganInAPause();
    assertThat(control.commands).containsExactly("cancel");
    watch.requireSettled();
  }

  @Test
  void guestThatWentWithoutOneIsNotRunning() {
    assertThat(refusal(watch(new FakeControl(FakeControl::healthy), () -> false)))
        .isEqualTo(new DomainRefusal.NotRunning("guest", DomainState.SHUT_OFF));
  }
}
