package org.lucos.bridge.xen;

import java.io.EOFException;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.ByteChannel;
import java.nio.channels.FileChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Optional;

/**
 * Reads XenStore, where the tools that make domains write down their names, by its own protocol:
 * {@code struct xsd_sockmsg} of {@code public/io/xs_wire.h}, four little-endian 32-bit words (type,
 * request, transaction, length), then the text. The protocol is a stable interface; the library's
 * number changes.
 */
final class XenStore implements AutoCloseable {
  /** The daemon's socket, and the kernel's way to it, which is the one where it is elsewhere. */
  private static final Path SOCKET = Path.of("/run/xenstored/socket");

  private static final Path DEVICE = Path.of("/dev/xen/xenbus");

  private static final int DIRECTORY = 1; // XS_DIRECTORY
  private static final int READ = 2; // XS_READ
  private static final int ERROR = 16; // XS_ERROR
  private static final int HEADER = 16;

  /** {@code XENSTORE_PAYLOAD_MAX}. */
  private static final int LONGEST = 4096;

  private final ByteChannel channel;

  /** Speaks through an open channel, and closes it. */
  XenStore(ByteChannel channel) {
    this.channel = channel;
  }

  /** Connects to the store of this host. */
  static XenStore open() throws IOException {
    if (!Files.exists(SOCKET)) {
      return new XenStore(
          FileChannel.open(DEVICE, StandardOpenOption.READ, StandardOpenOption.WRITE));
    }
    SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX);
    try {
      channel.connect(UnixDomainSocketAddress.of(SOCKET));
      return new XenStore(channel);
    } catch (IOException e) {
      channel.close();
      throw e;
    }
  }

  /**
   * The value at a path; empty if there is none.
   *
   * @throws IOException if the store does not answer as it should
   */
  Optional<String> read(String path) throws IOException {
    return ask(READ, path);
  }

  /**
   * The names below a path; none if there is no such path.
   *
   * @throws IOException if the store does not answer as it should
   */
  List<String> list(String path) throws IOException {
    return ask(DIRECTORY, path)
        .map(names -> List.of(names.split("\0", -1)).stream().filter(n -> !n.isEmpty()).toList())
        .orElse(List.of());
  }

  private Optional<String> ask(int what, String path) throws IOException {
    byte[] text = (path + "\0").getBytes(StandardCharsets.UTF_8);
    ByteBuffer request =
        ByteBuffer.allocate(HEADER + text.length).order(ByteOrder.LITTLE_ENDIAN).putInt(what);
    request.putInt(0).putInt(0).putInt(text.length).put(text).flip();
    while (request.hasRemaining()) {
      channel.write(request);
    }
    ByteBuffer header = fill(HEADER);
    int type = header.getInt(0);
    int length = header.getInt(12);
    if (length < 0 || length > LONGEST || (type != what && type != ERROR)) {
      throw new IOException(
          "XenStore answers nonsense: path=" + path + ", type=" + type + ", length=" + length);
    }
    String answer = new String(fill(length).array(), StandardCharsets.UTF_8);
    if (type == what) {
      return Optional.of(answer);
    }
    if (answer.startsWith("ENOENT")) {
      return Optional.empty();
    }
    throw new IOException("XenStore says no: path=" + path + ", error=" + answer.strip());
  }

  private ByteBuffer fill(int bytes) throws IOException {
    ByteBuffer buffer = ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
    while (buffer.hasRemaining()) {
      if (channel.read(buffer) < 0) {
        throw new EOFException("XenStore has gone");
      }
    }
    return buffer;
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
