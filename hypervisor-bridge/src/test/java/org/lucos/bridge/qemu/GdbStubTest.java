package org.lucos.bridge.qemu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.lucos.bridge.qemu.RspException.Kind;
import org.lucos.bridge.vcpu.VcpuRegisters;

class GdbStubTest {
  @TempDir private Path directory;
  private FakeStub fake;

  @BeforeEach
  void start() throws IOException {
    fake = new FakeStub(socket());
  }

  @AfterEach
  void stop() throws IOException {
    fake.close();
  }

  private Path socket() {
    return directory.resolve("gdb");
  }

  private static void assertKind(Kind kind, ThrowingCallable call) {
    assertThatThrownBy(call)
        .isInstanceOfSatisfying(RspException.class, e -> assertThat(e.kind()).isEqualTo(kind));
  }

  @Test
  void connectingStopsARunningGuestAndTells() throws IOException {
    try (GdbStub stub = GdbStub.open(socket())) {
      assertThat(stub.stoppedByConnecting()).isTrue();
      assertThat(fake.running).isFalse();
    }
    assertThat(fake.running).isFalse();
  }

  @Test
  void connectingToAStoppedGuestTellsThatToo() throws IOException {
    fake.running = false;
    try (GdbStub stub = GdbStub.open(socket())) {
      assertThat(stub.stoppedByConnecting()).isFalse();
    }
  }

  @Test
  void resumeAndStopAlternateOnOneConnection() throws IOException {
    try (GdbStub stub = GdbStub.open(socket())) {
      for (int i = 0; i < 50; i++) {
        stub.resume();
        assertThat(fake.running).isTrue();
        assertThat(fake.physicalMode).isFalse();
        assertThat(stub.stop()).isTrue();
        assertThat(fake.running).isFalse();
        assertThat(fake.physicalMode).isTrue();
      }
    }
  }

  @Test
  void stopIsToldOfThoughOnlyThatOfAnInterruptIs() throws IOException {
    try (GdbStub stub = GdbStub.open(socket())) {
      fake.tellsOfInterruptsOnly = true;
      for (int i = 0; i < 5; i++) {
        stub.resume();
        assertThat(stub.stop(i % 2 == 0)).isTrue();
        assertThat(fake.running).isFalse();
      }
    }
  }

  @Test
  void guestThatWasReleasedAndLetRunBySomebodyElseIsStoppedAsUsual() throws IOException {
    try (GdbStub stub = GdbStub.open(socket())) {
      fake.tellsOfInterruptsOnly = true;
      stub.release();
      fake.running = true;
      assertThat(stub.stop()).isTrue();
      stub.write(List.of(new GdbStub.Write(0, new byte[] {1})));
    }
  }

  @Test
  void guestThatIsLetRunBeforeTheStopIsOverIsAFailure() throws IOException {
    try (GdbStub stub = GdbStub.open(socket())) {
      stub.learnRegisters();
      stub.prepareRegisters();
      stub.resume();
      fake.hangAt = ""; // as one that flushes disks hangs with everything
      assertThat(stub.stop(true)).isTrue();
      fake.running = true;
      fake.pauseByAnyone();
      assertKind(Kind.RESUMED_BY_OTHER, stub::registers);
    }
  }

  @Test
  void guestStoppedBySomebodyElseIsNoticed() throws IOException {
    try (GdbStub stub = GdbStub.open(socket())) {
      stub.resume();
      fake.pauseByAnyone();
      assertThat(stub.stop()).isFalse();
      stub.release();
      assertThat(fake.running).isFalse();
      assertThat(stub.stop()).isFalse();
    }
  }

  @Test
  void guestStoppedAndLetRunBySomebodyElseIsStoppedAsUsual() throws IOException {
    try (GdbStub stub = GdbStub.open(socket())) {
      stub.resume();
      fake.pauseByAnyone();
      fake.running = true;
      assertThat(stub.stop()).isTrue();
      assertThat(fake.running).isFalse();
      stub.write(List.of(new GdbStub.Write(0, new byte[] {1})));
    }
  }

  @Test
  void guestLetRunBySomebodyElseWhileHeldIsAFailure() throws IOException {
    try (GdbStub stub = GdbStub.open(socket())) {
      fake.running = true;
      assertKind(Kind.RESUMED_BY_OTHER, () -> stub.read(0, 8));
    }
  }

  @Test
  void memoryIsWrittenAndReadInPieces() throws IOException {
    byte[] bytes = new byte[5000];
    new Random(3).nextBytes(bytes);
    try (GdbStub stub = GdbStub.open(socket())) {
      stub.write(
          List.of(new GdbStub.Write(0x100, bytes), new GdbStub.Write(0x8000, new byte[] {7})));
      assertThat(stub.read(0x100, bytes.length)).isEqualTo(bytes);
      assertThat(fake.ram[0x8000]).isEqualTo((byte) 7);
    }
  }

  @Test
  void registersOfEveryVcpuAreRead() throws IOException {
    try (GdbStub stub = GdbStub.open(socket())) {
      List<VcpuRegisters> registers = stub.registers();
      assertThat(registers).extracting(VcpuRegisters::index).containsExactly(0, 1);
      assertThat(registers.get(1).general().get(0)).isEqualTo(0x200);
      assertThat(registers.get(1).general()).hasSize(16);
      assertThat(registers.get(1).rip().value()).isEqualTo(0x210);
      assertThat(registers.get(0).cr3()).isEqualTo(0x115);
      assertThat(stub.registers()).isEqualTo(registers);
    }
  }

  @Test
  void registersThatAreOrderedWithTheStopComeWheneverTheyAreAskedFor() throws IOException {
    try (GdbStub stub = GdbStub.open(socket())) {
      List<VcpuRegisters> registers = stub.registers();
      stub.resume();
      assertThat(stub.stop(true)).isTrue();
      assertThat(stub.registers()).isEqualTo(registers);
      stub.resume();
      stub.stop(true);
      assertThat(stub.read(0x100, 4)).hasSize(4);
      assertThat(stub.registers()).isEqualTo(registers);
      stub.resume();
      stub.stop(true);
      stub.resume();
      assertThat(fake.running).isTrue();
      stub.stop();
      stub.release();
      assertThatThrownBy(stub::registers).isInstanceOf(IllegalStateException.class);
    }
  }

  @Test
  void detachingLetsTheGuestRun() throws IOException {
    GdbStub stub = GdbStub.open(socket());
    stub.detach();
    assertThat(fake.running).isTrue();
    assertThat(fake.physicalMode).isFalse();
  }

  @Test
  void damagedPacketsAreAskedForAgain() throws IOException {
    try (GdbStub stub = GdbStub.open(socket())) {
      fake.damage.set(2);
      assertThat(stub.read(0, 4)).hasSize(4);
      fake.damage.set(10);
      assertKind(Kind.MALFORMED, () -> stub.read(0, 4));
    }
  }

  @Test
  void packetsMayComeInPieces() throws IOException {
    fake.pieceSize = 1;
    try (GdbStub stub = GdbStub.open(socket())) {
      assertThat(stub.registers()).hasSize(2);
      stub.resume();
      assertThat(stub.stop()).isTrue();
    }
  }

  @Test
  void connectionThatEndsIsAFailureOfItsOwnKind() throws IOException {
    fake.dieAt = "m";
    try (GdbStub stub = GdbStub.open(socket())) {
      assertKind(Kind.CLOSED, () -> stub.read(0, 4));
    }
  }

  @Test
  void silenceIsATimeout() throws IOException {
    try (RspConnection connection = RspConnection.open(socket())) {
      fake.hangAt = "qSupported";
      connection.send(List.of("qSupported"), Duration.ofSeconds(1));
      assertThat(connection.receive(Duration.ofSeconds(1))).startsWith("T02");
      assertKind(Kind.TIMEOUT, () -> connection.receive(Duration.ofMillis(50)));
    }
  }

  @Test
  void memoryThatTheStubRefusesIsAFailure() throws IOException {
    try (GdbStub stub = GdbStub.open(socket())) {
      fake.physicalMode = false;
      assertKind(Kind.REFUSED, () -> stub.read(0, 4));
      assertKind(Kind.REFUSED, () -> stub.write(List.of(new GdbStub.Write(0, new byte[] {1}))));
    }
  }
}
