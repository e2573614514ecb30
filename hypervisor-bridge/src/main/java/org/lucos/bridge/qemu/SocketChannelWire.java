package org.lucos.bridge.qemu;

import java.io.EOFException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.time.Duration;
import org.lucos.bridge.domain.GuestChannel;

/**
 * A channel of a domain, whose host end QEMU listens at as a Unix socket. QEMU takes one client at
 * a time: a second one is connected and hears nothing.
 */
public final class SocketChannelWire implements GuestChannel {
  private final SocketChannel channel;
  private final Selector selector;
  private final SelectionKey key;

  private SocketChannelWire(SocketChannel channel) throws IOException {
    this.channel = channel;
    channel.configureBlocking(false);
    this.selector = Selector.open();
    this.key = channel.register(selector, SelectionKey.OP_READ);
  }

  /** Connects to a socket that somebody listens at. */
  public static SocketChannelWire open(Path socket) throws IOException {
    SocketChannel channel = SocketChannel.open(UnixDomainSocketAddress.of(socket));
    try {
      return new SocketChannelWire(channel);
    } catch (IOException e) {
      channel.close();
      throw e;
    }
  }

  @Override
  public void send(byte[] bytes, Duration limit) throws IOException {
    long deadline = System.nanoTime() + limit.toNanos();
    ByteBuffer left = ByteBuffer.wrap(bytes);
    while (left.hasRemaining()) {
      if (channel.write(left) == 0 && !await(SelectionKey.OP_WRITE, deadline)) {
        throw new IOException("the guest takes no bytes: limit=" + limit.toMillis() + " ms");
      }
    }
  }

  @Override
  public int receive(byte[] into, Duration limit) throws IOException {
    long deadline = System.nanoTime() + limit.toNanos();
    while (true) {
      int count = channel.read(ByteBuffer.wrap(into));
      if (count < 0) {
        throw new EOFException("the hypervisor closed the channel");
      }
      if (count > 0 || !await(SelectionKey.OP_READ, deadline)) {
        return count;
      }
    }
  }

  /** False if the time is over. */
  private boolean await(int operation, long deadline) throws IOException {
    long left = deadline - System.nanoTime();
    if (left <= 0) {
      return false;
    }
    key.interestOps(operation);
    selector.select(Math.max(1, left / 1_000_000));
    selector.selectedKeys().clear();
    return true;
  }

  @Override
  public void close() {
    try (selector) {
      channel.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
