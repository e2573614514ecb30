package org.lucos.patcher.transaction;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.lucos.bridge.domain.DomainIdentity;
import org.lucos.patcher.refusal.BusyRefusal;
import org.lucos.patcher.refusal.RefusedException;

class GuestLockTest {
  private static final DomainIdentity GUEST = new DomainIdentity("guest", new UUID(1, 2), 3);

  @TempDir Path directory;

  @Test
  void aSecondControllerIsRefusedAndToldWhoHoldsIt() {
    try (GuestLock held = take()) {
      assertThat(held).isNotNull();
      assertThatThrownBy(this::take)
          .isInstanceOfSatisfying(
              RefusedException.class,
              e -> {
                assertThat(e.refusal()).isInstanceOf(BusyRefusal.GuestBusy.class);
                assertThat(e)
                    .hasMessageContaining("guest")
                    .hasMessageContaining("pid " + ProcessHandle.current().pid());
              });
    }
  }

  @Test
  void itIsToldForHowLongTheHolderHasHadIt() {
    Instant start = Instant.parse("2026-11-21T10:00:00Z");
    GuestLock held = GuestLock.take(directory, GUEST, Duration.ZERO, InstantSource.fixed(start));
    InstantSource later = InstantSource.fixed(start.plusSeconds(75));
    try (held) {
      assertThatThrownBy(() -> GuestLock.take(directory, GUEST, Duration.ZERO, later))
          .hasMessageContaining("since 2026-11-21T10:00:00Z, for 75 s");
    }
  }

  @Test
  void isFreeAgainOnceGivenUp() {
    take().close();
    take().close();
  }

  private GuestLock take() {
    return GuestLock.take(directory, GUEST, Duration.ofMillis(60), InstantSource.system());
  }
}
