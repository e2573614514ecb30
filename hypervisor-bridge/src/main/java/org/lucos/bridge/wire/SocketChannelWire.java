package org.lucos.bridge.wire;

import java.io.EOFException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import org.lucos.bridge.domain.GuestChannel;

/**
 * A channel of a domain, whose host end QEMU listens at as a Unix socket, Xen's channels, too. QEMU
 * takes one client at a time: a second one is connected and hears nothing.
 */
public final class SocketChannelWire implements GuestChannel {
  private final UnixSocket socket;

  private SocketChannelWire(UnixSocket socket) {
    this.socket = socket;
  }

  /** Connects to a socket that somebody listens at. */
  public static SocketChannelWire open(Path socket) throws IOException {
    return new SocketChannelWire(UnixSocket.open(socket));
  }

  @Override
  public void send(byte[] bytes, Duration limit) throws IOException {
    if (!socket.write(ByteBuffer.wrap(bytes), System.nanoTime() + limit.toNanos())) {
      throw new IOException("the guest takes no bytes: limit=" + limit.toMillis() + " ms");
    }
  }

  @Override
  public int receive(byte[] into, Duration limit) throws IOException {
    long deadline = System.nanoTime() + limit.toNanos();
    while (true) {
      int count = socket.read(ByteBuffer.wrap(into));
      if (count < 0) {
        throw new EOFException("the hypervisor closed the channel");
      }
      if (count > 0 || !socket.awaitInput(deadline)) {
        return count;
      }
    }
  }

  @Override
  public void close() {
    try {
      socket.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
