package org.lucos.bridge.qemu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.function.UnaryOperator;
import jnr.ffi.Pointer;
import jnr.ffi.Runtime;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.lucos.bridge.addr.GuestPhysicalAddress;
import org.lucos.bridge.domain.DomainRefusal;
import org.lucos.bridge.domain.DomainRefusedException;
import org.lucos.bridge.domain.DomainState;
import org.lucos.bridge.jna.ProcessMemory;
import org.lucos.bridge.memory.MemoryFaultException;
import org.lucos.bridge.memory.MemoryRegion;
import org.lucos.bridge.memory.PhysicalMemory;
import org.lucos.bridge.qemu.QemuProcessMemory.Mapping;

/** What can be shown of attaching without a guest; the rest is in module tests. */
class QemuGuestDomainTest {
  private static final String TREE =
      "FlatView #0\n AS \"memory\", root: system\n  0000-ffff (prio 0, ram): pc.ram\n";

  @TempDir private Path directory;

  private DomainRefusal refusal(FakeControl control) {
    QemuHost host = new QemuHost(directory, directory, (domain, socket) -> List.of("true"));
    try {
      QemuGuestDomain.attach(host, control);
    } catch (DomainRefusedException e) {
      assertThat(control.closed).isTrue();
      return e.refusal();
    }
    throw new AssertionError("not refused");
  }

  private static UnaryOperator<String> except(String command, String answer) {
    return asked -> asked.contains(command) ? answer : FakeControl.healthy(asked);
  }

  @Test
  void guestThatIsEndingIsRefused() {
    assertThat(
            refusal(
                new FakeControl(
                    except("query-status", "{\"return\":{\"status\":\"guest-panicked\"}}"))))
        .isEqualTo(new DomainRefusal.NotRunning("guest", DomainState.CRASHED));
  }

  @Test
  void migratingGuestIsRefused() {
    assertThat(
            refusal(
                new FakeControl(except("query-migrate", "{\"return\":{\"status\":\"active\"}}"))))
        .isEqualTo(new DomainRefusal.Migrating("guest", "active"));
    FakeControl saving = new FakeControl(FakeControl::healthy);
    saving.job = Optional.of("save");
    assertThat(refusal(saving)).isEqualTo(new DomainRefusal.Migrating("guest", "save"));
  }

  @Test
  void encryptedGuestIsRefused() {
    assertThat(refusal(new FakeControl(except("query-sev", "{\"return\":{\"enabled\":true}}"))))
        .isEqualTo(new DomainRefusal.Encrypted("guest", "AMD SEV"));
  }

  @Test
  void processThatIsNotThisDomainsIsNotTaken() throws IOException {
    process(42, "other", "-uuid", "ffffffff-cd5b-4c4d-b2cc-96c7678c96a8");
    Files.writeString(directory.resolve("guest.pid"), "42\n");
    assertThat(refusal(new FakeControl(FakeControl::healthy)).message())
        .contains("looking for the QEMU process");
    process(43, "(od)d) name", "-uuid", FakeControl.IDENTITY.uuid().toString());
    QemuProcess found = QemuProcess.find(FakeControl.IDENTITY, directory, directory);
    assertThat(found.id()).isEqualTo(43);
    assertThat(found.startTime()).isEqualTo(777);
    found.requireAlive(FakeControl.IDENTITY, directory);
    Files.writeString(directory.resolve("43/stat"), stat("x", 778));
    assertThatThrownBy(() -> found.requireAlive(FakeControl.IDENTITY, directory))
        .isInstanceOf(DomainRefusedException.class);
    Files.writeString(directory.resolve("43/stat"), stat("x", 777).replace(") S", ") Z"));
    assertThatThrownBy(() -> found.requireAlive(FakeControl.IDENTITY, directory))
        .as("killed, and its parent has not noticed")
        .isInstanceOf(DomainRefusedException.class);
    Files.delete(directory.resolve("43/stat"));
    assertThatThrownBy(() -> found.requireAlive(FakeControl.IDENTITY, directory))
        .isInstanceOf(DomainRefusedException.class);
  }

  @Test
  void memoryThatMovesWhileAttachingIsAFailure() throws IOException {
    process(43, "qemu", "-uuid", FakeControl.IDENTITY.uuid().toString());
    FakeControl control =
        new FakeControl(
            command ->
                switch (command) {
                  case "info mtree -f" -> TREE;
                  case "gpa2hva 0x0" ->
                      "Host virtual address for 0x0 (pc.ram) is 0x7f0000000000\r\n";
                  case "gpa2hva 0xffff" ->
                      "Host virtual address for 0xffff (pc.ram) is 0x7f000001fffe\r\n";
                  default -> FakeControl.healthy(command);
                });
    assertThat(refusal(control).message()).contains("locating guest RAM", "moved");
  }

  @Test
  void runDirectoryIsReadFromTheCommandLine() throws IOException {
    process(
        43,
        "qemu",
        "-object",
        "{\"qom-type\":\"secret\",\"file\":\"/var/lib/x/domain-1-guest/master-key.aes\"}",
        "-uuid",
        FakeControl.IDENTITY.uuid().toString());
    assertThat(QemuProcess.find(FakeControl.IDENTITY, directory, directory).runDirectory())
        .contains(Path.of("/var/lib/x/domain-1-guest"));
  }

  private void process(int id, String name, String... arguments) throws IOException {
    Path process = Files.createDirectories(directory.resolve(Integer.toString(id)));
    Files.writeString(process.resolve("cmdline"), String.join("\0", arguments) + "\0");
    Files.writeString(process.resolve("stat"), stat(name, 777));
  }

  private static String stat(String name, long startTime) {
    return "43 (" + name + ") S" + " 0".repeat(18) + " " + startTime + " 1 2 3\n";
  }

  /** Reads this very process, with two regions that touch and one apart. */
  private static QemuProcessMemory ownMemory(ByteBuffer[] buffers) {
    long[] starts = {0x1000, 0x1000 + buffers[0].capacity(), 0x90_0000};
    List<Mapping> mappings = new ArrayList<>();
    for (int i = 0; i < buffers.length; i++) {
      long address = Pointer.wrap(Runtime.getSystemRuntime(), buffers[i]).address();
      mappings.add(
          new Mapping(
              new MemoryRegion(new GuestPhysicalAddress(starts[i]), buffers[i].capacity()),
              address));
    }
    return new QemuProcessMemory(mappings, new ProcessMemory(ProcessHandle.current().pid()));
  }

  private static ByteBuffer[] noise() {
    ByteBuffer[] buffers = new ByteBuffer[3];
    Random random = new Random(6);
    for (int i = 0; i < buffers.length; i++) {
      byte[] bytes = new byte[3 << 20];
      random.nextBytes(bytes);
      buffers[i] = ByteBuffer.allocateDirect(bytes.length).put(0, bytes);
    }
    return buffers;
  }

  @Test
  void largeReadCrossesRegionsThatTouch() {
    ByteBuffer[] buffers = noise();
    QemuProcessMemory memory = ownMemory(buffers);
    byte[] read = new byte[5 << 20];
    memory.read(new GuestPhysicalAddress(0x1000 + 77), read, 0, read.length);
    int first = buffers[0].capacity() - 77;
    assertThat(ByteBuffer.wrap(read, 0, first)).isEqualTo(buffers[0].slice(77, first));
    assertThat(ByteBuffer.wrap(read, first, read.length - first))
        .isEqualTo(buffers[1].slice(0, read.length - first));
  }

  @Test
  void thousandsOfSlicesOfAllSizesAreReadRight() {
    ByteBuffer[] buffers = noise();
    QemuProcessMemory memory = ownMemory(buffers);
    Random random = new Random(7);
    List<PhysicalMemory.Slice> slices = new ArrayList<>();
    for (int i = 0; i < 5000; i++) {
      int length = random.nextInt(20) == 0 ? random.nextInt(100_000) : random.nextInt(64);
      int at = random.nextInt(buffers[0].capacity() - length);
      slices.add(
          new PhysicalMemory.Slice(
              new GuestPhysicalAddress(0x1000 + at), new byte[length + 2], 1, length));
    }
    memory.readAll(slices);
    for (PhysicalMemory.Slice slice : slices) {
      assertThat(ByteBuffer.wrap(slice.into(), 1, slice.length()))
          .isEqualTo(buffers[0].slice((int) slice.at().value() - 0x1000, slice.length()));
      assertThat(slice.into()[0]).isZero();
      assertThat(slice.into()[slice.length() + 1]).isZero();
    }
  }

  @Test
  void writeGoesWhereItIsRead() {
    ByteBuffer[] buffers = noise();
    QemuProcessMemory memory = ownMemory(buffers);
    byte[] bytes = new byte[2 << 20];
    new Random(8).nextBytes(bytes);
    GuestPhysicalAddress at = new GuestPhysicalAddress(0x1000 + (2 << 20));
    memory.write(at, bytes);
    byte[] read = new byte[bytes.length];
    memory.read(at, read, 0, read.length);
    assertThat(read).isEqualTo(bytes);
  }

  @Test
  void whatIsNoRamFaults() {
    QemuProcessMemory memory = ownMemory(noise());
    byte[] into = new byte[8];
    for (long at : new long[] {0, 0xffc, 0x1000 + (6 << 20) - 4, 0xffff_ffff_f000L}) {
      assertThatThrownBy(() -> memory.read(new GuestPhysicalAddress(at), into, 0, 8))
          .isInstanceOf(MemoryFaultException.class)
          .hasMessageContaining("not RAM");
      assertThatThrownBy(() -> memory.write(new GuestPhysicalAddress(at), into))
          .isInstanceOf(MemoryFaultException.class);
    }
  }

  @Test
  void memoryThatIsGoneFaults() {
    List<Mapping> nowhere =
        List.of(new Mapping(new MemoryRegion(new GuestPhysicalAddress(0), 0x1000), 0x1000));
    QemuProcessMemory unmapped =
        new QemuProcessMemory(nowhere, new ProcessMemory(ProcessHandle.current().pid()));
    assertThatThrownBy(() -> unmapped.read(new GuestPhysicalAddress(0), new byte[8], 0, 8))
        .isInstanceOf(MemoryFaultException.class)
        .hasMessageContaining("bad address");
    QemuProcessMemory noProcess =
        new QemuProcessMemory(nowhere, new ProcessMemory(Integer.MAX_VALUE));
    assertThatThrownBy(() -> noProcess.read(new GuestPhysicalAddress(0), new byte[8], 0, 8))
        .isInstanceOf(MemoryFaultException.class)
        .hasMessageContaining("no such process");
  }
}
