package org.lucos.bridge.xen;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.lucos.bridge.addr.GuestPhysicalAddress;
import org.lucos.bridge.domain.Capability;
import org.lucos.bridge.domain.DomainIdentity;
import org.lucos.bridge.domain.DomainRefusal;
import org.lucos.bridge.domain.DomainRefusedException;
import org.lucos.bridge.domain.DomainState;
import org.lucos.bridge.domain.PausedGuest;
import org.lucos.bridge.domain.UnexpectedBytesException;
import org.lucos.bridge.memory.MemoryRegion;
import org.lucos.bridge.watchdog.UndoRecord;

class XenGuestDomainTest {
  private static final GuestPhysicalAddress AT = new GuestPhysicalAddress(0x1ffe);
  private static final int PAUSED = 1 << 3;

  /** A watchdog that takes every order, and puts nothing right. */
  private static final List<String> WATCHDOG =
      List.of(
          "sh", "-c", "echo ready; while read order && [ \"$order\" != quit ]; do echo ok; done");

  @TempDir private Path directory;
  private final FakeXen xen = new FakeXen();
  private Path guard;
  private XenGuestDomain domain;

  @BeforeEach
  void attach() {
    xen.pages.put(1L, new byte[4096]);
    xen.pages.put(2L, new byte[4096]);
    xen.vcpus.put(0, new byte[HvmCpuLayout.SIZE]);
    guard = directory.resolve("run/guest");
    domain = domain(WATCHDOG);
  }

  private XenGuestDomain domain(List<String> watchdog) {
    DomainControlCall control = DomainControlCall.of(xen);
    return new XenGuestDomain(
        new XenDomain(control, new DomainIdentity("guest", FakeXen.HANDLE, FakeXen.ID)),
        control.info(FakeXen.ID).orElseThrow(),
        "Xen 4.17.5",
        new XenMemory(
            xen,
            FakeXen.ID,
            List.of(new MemoryRegion(new GuestPhysicalAddress(0x1000), 0x2000)),
            System::nanoTime),
        true,
        new XenGuestDomain.Guard(guard, watchdog, Duration.ofSeconds(10)));
  }

  @AfterEach
  void letGo() {
    domain.close();
    assertThat(xen.mappings).isZero();
  }

  private static DomainRefusal refusal(ThrowingCallable call) {
    return catchThrowableOfType(DomainRefusedException.class, call).refusal();
  }

  @Test
  void guestIsHeldWrittenAndLetRun() throws IOException {
    try (PausedGuest held = domain.pause("write")) {
      assertThat(xen.stops).isOne();
      assertThat(domain.state()).isEqualTo(DomainState.PAUSED);
      assertThat(held.pausedBefore()).isFalse();
      assertThat(held.registers()).hasSize(1);
      held.write(AT, new byte[4], new byte[] {1, 2, 3, 4});
      assertThat(UndoRecord.read(UndoRecord.beside(guard))).hasSize(1);
      assertThat(UndoRecord.wasHeld(UndoRecord.beside(guard))).isTrue();
      assertThatThrownBy(() -> held.write(AT, new byte[4], new byte[4]))
          .isInstanceOf(UnexpectedBytesException.class)
          .hasMessageContaining("found=01020304");
      held.commit();
      assertThat(UndoRecord.read(UndoRecord.beside(guard))).isEmpty();
    }
    assertThat(xen.stops).isZero();
    assertThat(UndoRecord.wasHeld(UndoRecord.beside(guard))).isFalse();
    assertThat(xen.pages.get(2L)).startsWith(3, 4);
    assertThat(xen.marked).contains(1L, 2L);
    assertThat(domain.pauses().entries()).hasSize(1);
    domain.close();
    assertThat(UndoRecord.beside(guard)).doesNotExist();
  }

  @Test
  void stopOfOthersStays() {
    xen.stops = 1;
    try (PausedGuest held = domain.pause("hold")) {
      assertThat(held.pausedBefore()).isTrue();
      assertThat(xen.stops).isEqualTo(2);
    }
    assertThat(xen.stops).isOne();
    assertThat(domain.state()).isEqualTo(DomainState.PAUSED);
  }

  @Test
  void leaseEndsIfSomebodyElseLetsTheGuestRun() {
    PausedGuest held = domain.pause("hold");
    xen.stops = 0;
    assertThat(refusal(held::registers).message()).contains("resumed by somebody else");
    held.close();
    assertThat(xen.stops).isZero();
    domain.pause("again").close();
    assertThat(xen.stops).isZero();
  }

  @Test
  void guestThatEndsIsNotRunning() {
    PausedGuest held = domain.pause("hold");
    xen.gone = true;
    DomainRefusal gone = new DomainRefusal.NotRunning("guest", DomainState.SHUT_OFF);
    assertThat(refusal(held::registers)).isEqualTo(gone);
    assertThat(domain.state()).isEqualTo(DomainState.SHUT_OFF);
    assertThat(refusal(() -> domain.pause("again"))).isEqualTo(gone);
    assertThat(xen.mappings).isZero(); // or its pages could not be freed
  }

  @Test
  void whatIsNotInOrderIsRefused() {
    xen.flags = 0x0002_0006;
    assertThat(refusal(() -> domain.pause("hold"))).isInstanceOf(DomainRefusal.Migrating.class);
    xen.flags = 0x0003_0006;
    assertThat(refusal(() -> domain.pause("hold")))
        .isEqualTo(new DomainRefusal.NotRunning("guest", DomainState.CRASHED));
    assertThat(xen.stops).isZero();
    xen.flags = 2 | PAUSED;
    domain.pause("hold").close();
  }

  @Test
  void withoutAWatchdogNothingIsStopped() {
    XenGuestDomain unwatched = domain(List.of("false"));
    assertThat(refusal(() -> unwatched.pause("hold")).message()).contains("watchdog ended");
    assertThat(xen.stops).isZero();
    unwatched.close();
  }

  @Test
  void watchdogThatEndsEndsThePause() {
    XenGuestDomain watched =
        domain(
            List.of(
                "sh",
                "-c",
                "echo ready; while read o; do echo ok; [ \"$o\" = hold ] || break; done"));
    PausedGuest held = watched.pause("hold");
    for (int i = 0; i < 500 && xen.stops > 0; i++) {
      try {
        held.registers();
        Thread.sleep(10);
      } catch (DomainRefusedException e) {
        assertThat(e).hasMessageContaining("watchdog ended");
      } catch (InterruptedException e) {
        throw new AssertionError(e);
      }
    }
    assertThat(xen.stops).isZero(); // nobody else would have let it run
    watched.close();
  }

  @Test
  void capabilitiesSayWhatXenCannotDo() {
    assertThat(domain.facts().capabilities())
        .containsExactlyInAnyOrder(
            Capability.DIRTY_TRACKING, Capability.EXCLUSIVE_CONTROL, Capability.DIRECT_TEXT_WRITES);
    assertThat(domain.facts().memoryBytes()).isEqualTo(0x2000);
  }
}
