package org.lucos.bridge.wire;

import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;

/** A connection to a Unix socket on which every wait ends at a time. */
public final class UnixSocket implements AutoCloseable {
  private final SocketChannel channel;
  private final Selector selector;
  private final SelectionKey key;

  private UnixSocket(SocketChannel channel) throws IOException {
    this.channel = channel;
    channel.configureBlocking(false);
    this.selector = Selector.open();
    this.key = channel.register(selector, SelectionKey.OP_READ);
  }

  /** Connects to a socket that somebody listens at. */
  public static UnixSocket open(Path socket) throws IOException {
    SocketChannel channel = SocketChannel.open(UnixDomainSocketAddress.of(socket));
    try {
      return new UnixSocket(channel);
    } catch (IOException e) {
      channel.close();
      throw e;
    }
  }

  /** Reads what is there: 0 bytes if nothing is, -1 behind the end. */
  public int read(ByteBuffer into) throws IOException {
    return channel.read(into);
  }

  /**
   * Writes everything.
   *
   * @param deadline as {@link System#nanoTime} counts
   * @return false if the time was over before
   */
  public boolean write(ByteBuffer bytes, long deadline) throws IOException {
    while (bytes.hasRemaining()) {
      if (channel.write(bytes) == 0 && !await(SelectionKey.OP_WRITE, deadline)) {
        return false;
      }
    }
    return true;
  }

  /**
   * Waits until there is something to read, or a little less long.
   *
   * @param deadline as {@link System#nanoTime} counts
   * @return false if the time is over
   */
  public boolean awaitInput(long deadline) throws IOException {
    return await(SelectionKey.OP_READ, deadline);
  }

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
  public void close() throws IOException {
    try (selector) {
      channel.close();
    }
  }
}
