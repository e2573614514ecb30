package org.lucos.bridge.qemu;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps the host's CPUs out of idle states while a guest is stopped. A pause goes to and fro
 * between two processes; a CPU that has gone to sleep in between takes longer to come back than
 * either works.
 *
 * <p>The host's kernel takes the wish through a file (its documentation calls it PM QoS, and the
 * wish a request): a 32-bit number of microseconds that coming back may take. It holds until the
 * file is closed, and so ends with this process at the latest.
 */
final class CpuLatencyRequest {
  private static final Logger LOG = LoggerFactory.getLogger(CpuLatencyRequest.class);
  private static final Path DEVICE = Path.of("/dev/cpu_dma_latency");

  private final Path device;
  private Optional<FileChannel> held = Optional.empty();
  private boolean refused;

  CpuLatencyRequest() {
    this(DEVICE);
  }

  CpuLatencyRequest(Path device) {
    this.device = device;
  }

  /** Makes the request. Where the host does not take it, pauses are longer, and that is all. */
  void hold() {
    if (refused || held.isPresent()) {
      return;
    }
    try {
      held = Optional.of(FileChannel.open(device, StandardOpenOption.WRITE));
      held.get().write(ByteBuffer.allocate(Integer.BYTES)); // zero in either byte order
    } catch (IOException e) {
      refused = true;
      LOG.debug("CPUs may sleep in pauses: {}", e.toString());
      release();
    }
  }

  /** Takes it back; does nothing if there is none. */
  void release() {
    if (held.isPresent()) {
      FileChannel file = held.get();
      held = Optional.empty();
      try {
        file.close();
      } catch (IOException e) {
        LOG.warn("CPUs of this host are kept awake until this process ends: {}", e.toString());
      }
    }
  }
}
