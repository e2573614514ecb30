package org.lucos.bridge.qemu;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PipedInputStream;
import java.io.PipedOutputStream;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.lucos.bridge.domain.DomainRefusal;
import org.lucos.bridge.domain.DomainRefusedException;
import org.lucos.bridge.watchdog.PauseWatchdog;
import org.lucos.bridge.watchdog.UndoRecord;

class PauseWatchdogTest {
  @TempDir private Path directory;
  private final List<String> portCalls = new CopyOnWriteArrayList<>();
  private final ByteArrayOutputStream messages = new ByteArrayOutputStream();
  private FakeStub fake;
  private final PipedOutputStream orders = new PipedOutputStream();
  private final PipedInputStream output = new PipedInputStream(1 << 16);
  private final BufferedReader answers =
      new BufferedReader(new InputStreamReader(output, US_ASCII));
  private volatile boolean mayResume = true;
  private volatile boolean gone;
  private UndoRecord record;
  private Thread watchdog = new Thread(() -> {}, "never started");

  @BeforeEach
  void start() throws IOException {
    fake = new FakeStub(directory.resolve("gdb"));
    record = UndoRecord.create(UndoRecord.beside(directory.resolve("gdb")));
  }

  @AfterEach
  void stop() throws Exception {
    orders.close();
    watchdog.join(10_000);
    fake.close();
  }

  private void watch(Duration silenceLimit) throws IOException {
    PipedInputStream input = new PipedInputStream(orders, 1 << 16);
    PrintStream answering = new PrintStream(new PipedOutputStream(output), true, US_ASCII);
    GdbRescue.Port port =
        new GdbRescue.Port() {
          @Override
          public void reopen() {
            portCalls.add("reopen");
            if (gone) {
              throw new PauseWatchdog.GuestGoneException(
                  new DomainRefusedException(new DomainRefusal.NotFound("guest")));
            }
            fake.dropClient();
          }

          @Override
          public boolean mayResume() {
            return mayResume;
          }

          @Override
          public void close() {
            portCalls.add("close");
            if (gone) {
              throw new PauseWatchdog.GuestGoneException(
                  new DomainRefusedException(new DomainRefusal.NotFound("guest")));
            }
          }
        };
    PauseWatchdog subject =
        new PauseWatchdog(
            new GdbRescue(
                directory.resolve("gdb"), port, new PrintStream(messages, true, US_ASCII)),
            silenceLimit,
            new PrintStream(messages, true, US_ASCII),
            System::nanoTime);
    watchdog =
        new Thread(
            () ->
                subject.run(new BufferedReader(new InputStreamReader(input, US_ASCII)), answering));
    watchdog.start();
    assertThat(answers.readLine()).isEqualTo("ready");
  }

  private void tell(String line, String answer) throws IOException {
    orders.write((line + "\n").getBytes(US_ASCII));
    orders.flush();
    assertThat(answers.readLine()).isEqualTo(answer);
  }

  private void announce(long at, int... bytes) throws IOException {
    byte[] before = new byte[bytes.length];
    for (int i = 0; i < bytes.length; i++) {
      before[i] = (byte) bytes[i];
    }
    record.add(List.of(new UndoRecord.Former(at, before)));
  }

  private void controllerEnds() throws Exception {
    orders.close();
    watchdog.join(10_000);
    assertThat(watchdog.isAlive()).isFalse();
  }

  @Test
  void deadControllersWritesAreUndoneNewestFirstAndTheGuestRuns() throws Exception {
    watch(Duration.ofSeconds(60));
    tell("arm run", "ok");
    fake.running = false;
    announce(0x100, 1, 2, 3, 4);
    announce(0x200, 5);
    announce(0x102, 9, 9); // what the first write had left there
    fake.ram[0x102] = 42;
    controllerEnds();
    assertThat(fake.running).isTrue();
    assertThat(fake.ram).startsWith(new byte[0x100]);
    assertThat(fake.ram[0x102]).isEqualTo((byte) 3);
    assertThat(fake.ram[0x200]).isEqualTo((byte) 5);
    assertThat(fake.physicalMode).isFalse();
    assertThat(portCalls).containsExactly("close");
    assertThat(messages.toString(US_ASCII)).contains("writes undone: 3; the guest runs again");
  }

  @Test
  void committedWritesStay() throws Exception {
    watch(Duration.ofSeconds(60));
    tell("arm run", "ok");
    announce(0x100, 1);
    record.clear();
    announce(0x101, 2);
    fake.running = false;
    controllerEnds();
    assertThat(fake.running).isTrue();
    assertThat(fake.ram[0x100]).isEqualTo((byte) 0);
    assertThat(fake.ram[0x101]).isEqualTo((byte) 2);
  }

  @Test
  void guestFoundPausedStaysPaused() throws Exception {
    watch(Duration.ofSeconds(60));
    tell("arm hold", "ok");
    announce(0x100, 1);
    fake.running = false;
    controllerEnds();
    assertThat(fake.running).isFalse();
    assertThat(fake.ram[0x100]).isEqualTo((byte) 1);
    assertThat(messages.toString(US_ASCII)).contains("stays paused");
  }

  @Test
  void guestRunsAgainThoughTheRecordIsLost() throws Exception {
    watch(Duration.ofSeconds(60));
    tell("arm run", "ok");
    fake.running = false;
    Files.delete(UndoRecord.beside(directory.resolve("gdb")));
    controllerEnds();
    assertThat(fake.running).isTrue();
    assertThat(messages.toString(US_ASCII)).contains("cannot be put back");
  }

  @Test
  void disarmedWatchdogTouchesNoGuest() throws Exception {
    watch(Duration.ofSeconds(60));
    tell("arm run", "ok");
    announce(0x100, 1);
    tell("disarm", "ok");
    controllerEnds();
    assertThat(fake.commands).isEmpty();
    assertThat(fake.ram[0x100]).isEqualTo((byte) 0);
    assertThat(portCalls).containsExactly("close");
  }

  @Test
  void whatIsAnnouncedBeforeItIsArmedIsNeverCarriedOut() throws Exception {
    watch(Duration.ofSeconds(60));
    announce(0x100, 1);
    controllerEnds();
    assertThat(fake.commands).isEmpty();
    assertThat(fake.ram[0x100]).isEqualTo((byte) 0);
    assertThat(portCalls).containsExactly("close");
  }

  @Test
  void controllerThatQuitsLeavesNothingToDo() throws Exception {
    watch(Duration.ofSeconds(60));
    tell("quit", "ok");
    controllerEnds();
    assertThat(portCalls).isEmpty();
    assertThat(messages.toString(US_ASCII)).isEmpty();
  }

  @Test
  void silentControllerLosesTheGuest() throws Exception {
    watch(Duration.ofMillis(200));
    try (RspConnection hanging = RspConnection.open(directory.resolve("gdb"))) {
      assertThat(hanging.receive(Duration.ofSeconds(5))).startsWith("T02");
      tell("arm run", "ok");
      announce(0x100, 1);
      tell("hold", "ok");
      for (int i = 0; i < 200 && !portCalls.contains("close"); i++) {
        Thread.sleep(20);
      }
      assertThat(portCalls).containsExactly("reopen", "close");
      assertThat(fake.running).isTrue();
      assertThat(fake.ram[0x100]).isEqualTo((byte) 1);
      tell("hold", "expired");
      tell("disarm", "expired");
    }
    assertThat(messages.toString(US_ASCII)).contains("silent for 200 ms");
  }

  @Test
  void guestThatMustNotRunHereAnyMoreIsNotLetRun() throws Exception {
    mayResume = false;
    watch(Duration.ofMillis(200));
    tell("arm run", "ok");
    fake.running = false;
    for (int i = 0; i < 200 && !portCalls.contains("close"); i++) {
      Thread.sleep(20);
    }
    assertThat(portCalls).containsExactly("reopen", "close");
    assertThat(fake.running).isFalse();
  }

  @Test
  void guestThatIsGoneIsNotWaitedFor() throws Exception {
    watch(Duration.ofSeconds(60));
    tell("arm run", "ok");
    announce(0x100, 1);
    gone = true;
    fake.close();
    controllerEnds();
    assertThat(portCalls).containsExactly("reopen", "close");
    assertThat(messages.toString(US_ASCII)).isEmpty();
  }

  @Test
  void newsKeepTheWatchdogQuiet() throws Exception {
    watch(Duration.ofMillis(400));
    tell("arm run", "ok");
    for (int i = 0; i < 10; i++) {
      Thread.sleep(80);
      tell("arm run", "ok");
    }
    tell("disarm", "ok");
    assertThat(portCalls).isEmpty();
  }

  @Test
  void orderItDoesNotKnowIsRefused() throws Exception {
    watch(Duration.ofSeconds(60));
    tell("undo 100 00", "bad order");
    tell("", "bad order");
    tell("disarm", "ok");
  }
}
