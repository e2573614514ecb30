package org.lucos.bridge.qemu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CpuLatencyRequestTest {
  @TempDir private Path directory;

  @Test
  void theFileIsOpenAndHasTheNumberUntilItIsTakenBack() throws IOException {
    Path device = Files.createFile(directory.resolve("latency"));
    CpuLatencyRequest request = new CpuLatencyRequest(device);
    for (int i = 0; i < 3; i++) {
      Files.write(device, new byte[] {1, 1, 1, 1});
      request.hold();
      request.hold();
      assertThat(device).hasBinaryContent(new byte[4]);
      assertThat(timesOpen(device)).isEqualTo(1);
      request.release();
      request.release();
      assertThat(timesOpen(device)).isZero();
    }
  }

  @Test
  void aHostThatDoesNotTakeItChangesNothing() {
    CpuLatencyRequest request = new CpuLatencyRequest(directory.resolve("none"));
    assertThatCode(request::hold).doesNotThrowAnyException();
    assertThatCode(request::release).doesNotThrowAnyException();
  }

  private static long timesOpen(Path file) throws IOException {
    try (Stream<Path> descriptors = Files.list(Path.of("/proc/self/fd"))) {
      return descriptors
          .filter(
              descriptor -> {
                try {
                  return Files.readSymbolicLink(descriptor).equals(file);
                } catch (IOException e) {
                  return false; // closed meanwhile
                }
              })
          .count();
    }
  }
}
