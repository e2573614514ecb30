package org.lucos.bridge.xen;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.lucos.bridge.addr.GuestPhysicalAddress;
import org.lucos.bridge.domain.DomainIdentity;
import org.lucos.bridge.memory.MemoryRegion;
import org.lucos.bridge.watchdog.PauseWatchdog;
import org.lucos.bridge.watchdog.UndoRecord;

class XenRescueTest {
  @TempDir private Path directory;
  private final FakeXen xen = new FakeXen();
  private final ByteArrayOutputStream messages = new ByteArrayOutputStream();
  private Path guard;
  private UndoRecord record;
  private XenRescue rescue;

  @BeforeEach
  void create() throws IOException {
    guard = directory.resolve("guest");
    record = UndoRecord.create(UndoRecord.beside(guard));
    xen.pages.put(2L, new byte[4096]);
    rescue =
        new XenRescue(
            new XenDomain(
                DomainControlCall.of(xen), new DomainIdentity("g", FakeXen.HANDLE, FakeXen.ID)),
            new XenMemory(
                xen,
                FakeXen.ID,
                List.of(new MemoryRegion(new GuestPhysicalAddress(0), 1 << 20)),
                System::nanoTime),
            guard,
            new PrintStream(messages, true, StandardCharsets.UTF_8));
  }

  @Test
  void writesAreUndoneNewestFirstAndOurStopIsTakenBack() throws IOException {
    xen.stops = 1;
    record.held(true);
    record.add(List.of(new UndoRecord.Former(0x2000, new byte[] {1, 1})));
    record.add(List.of(new UndoRecord.Former(0x2001, new byte[] {2, 2})));
    assertThat(rescue.restore(true, false)).isEqualTo(new PauseWatchdog.Outcome(2, true));
    assertThat(xen.pages.get(2L)).startsWith(1, 1, 2);
    assertThat(xen.stops).isZero();
    assertThat(xen.mappings).isZero();
  }

  @Test
  void stopOfSomebodyElseStays() throws IOException {
    xen.stops = 2;
    record.held(true);
    assertThat(rescue.restore(false, false)).isEqualTo(new PauseWatchdog.Outcome(0, false));
    assertThat(xen.stops).isOne();
    record.held(false);
    assertThat(rescue.restore(false, false)).isEqualTo(new PauseWatchdog.Outcome(0, false));
    assertThat(xen.stops).isOne();
  }

  @Test
  void guestThatWasNotStoppedYetRuns() throws IOException {
    record.held(true); // noted before the stop
    assertThat(rescue.restore(true, false)).isEqualTo(new PauseWatchdog.Outcome(0, true));
    assertThat(xen.stops).isZero();
  }

  @Test
  void guestDoesNotStandStillForALostRecordOrPage() throws IOException {
    xen.stops = 1;
    record.held(true);
    record.add(List.of(new UndoRecord.Former(0x5000, new byte[8])));
    assertThat(rescue.restore(true, false)).isEqualTo(new PauseWatchdog.Outcome(0, true));
    assertThat(xen.stops).isZero();
    xen.stops = 1;
    Files.delete(UndoRecord.beside(guard));
    assertThat(rescue.restore(true, false)).isEqualTo(new PauseWatchdog.Outcome(0, true));
    assertThat(xen.stops).isZero();
    assertThat(messages.toString(StandardCharsets.UTF_8)).contains("cannot be put back");
  }

  @Test
  void guestThatHasEndedNeedsNothing() {
    xen.gone = true;
    assertThatThrownBy(() -> rescue.restore(true, false))
        .isInstanceOf(PauseWatchdog.GuestGoneException.class);
  }
}
