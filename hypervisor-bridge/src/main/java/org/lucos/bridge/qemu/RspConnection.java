package org.lucos.bridge.qemu;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.lucos.bridge.qemu.RspException.Kind;
import org.lucos.bridge.wire.UnixSocket;

/**
 * Packets to and from a gdbstub behind a Unix socket, each wait with a time limit.
 *
 * <p>Acknowledgements: a packet received is acknowledged together with the next one sent, in one
 * write; QEMU takes a command that comes instead as acknowledgement too ({@code gdb_read_byte()} in
 * its gdbstub). An acknowledgement on its own must never be sent to a running guest: QEMU stops a
 * guest for any byte that is not expected.
 */
final class RspConnection implements AutoCloseable {
  private static final byte INTERRUPT = 3;
  private static final int MOST_RESENDS = 3;

  /** A stopped guest leaves its CPUs idle, and answers mostly come within this time. */
  private static final long SPIN_NANOS = 150_000;

  private final UnixSocket socket;
  private final ByteBuffer input = ByteBuffer.allocateDirect(1 << 16).flip();
  private final RspDecoder decoder = new RspDecoder();
  private byte[] lastSent = new byte[0];
  private long spinNanos;

  private RspConnection(UnixSocket socket) {
    this.socket = socket;
  }

  /** Connects to the stub that listens at {@code socket}. To QEMU this stops the guest. */
  static RspConnection open(Path socket) throws IOException {
    return new RspConnection(UnixSocket.open(socket));
  }

  /** Sends commands, all in one go: the stub answers them in order. Only to a stopped guest. */
  void send(List<String> payloads, Duration limit) throws IOException {
    StringBuilder text = new StringBuilder("+");
    payloads.forEach(payload -> RspEncoder.append(text, payload));
    lastSent = bytes(text);
    write(ByteBuffer.wrap(lastSent), limit);
  }

  /**
   * Orders a stop and, behind it, commands: the first answer proves that the guest has stopped.
   *
   * <p>Any byte stops a running guest, but since QEMU 8.1 only the right one is answered by a stop
   * reply, and it is taken for nothing while a packet of the stub's is not acknowledged.
   *
   * @param acknowledge whether the stub has sent a packet that none of ours has followed
   */
  void interrupt(boolean acknowledge, List<String> payloads, Duration limit) throws IOException {
    StringBuilder text = new StringBuilder(acknowledge ? "+" : "").append((char) INTERRUPT);
    payloads.forEach(payload -> RspEncoder.append(text, payload));
    lastSent = bytes(text);
    write(ByteBuffer.wrap(lastSent), limit);
  }

  /** The next packet. */
  String receive(Duration limit) throws IOException {
    long deadline = System.nanoTime() + limit.toNanos();
    int resends = 0;
    while (true) {
      RspDecoder.Event event = event(deadline, limit);
      if (event instanceof RspDecoder.Packet packet) {
        return packet.payload();
      }
      if (event instanceof RspDecoder.Damaged damaged) {
        if (++resends > MOST_RESENDS) {
          throw new RspException(Kind.MALFORMED, "gdbstub packet damaged: " + damaged.why());
        }
        write(ByteBuffer.wrap(new byte[] {'-'}), limit);
      } else if (event instanceof RspDecoder.ResendWanted) {
        if (++resends > MOST_RESENDS) {
          throw new RspException(Kind.MALFORMED, "gdbstub does not take our packet");
        }
        write(ByteBuffer.wrap(lastSent), limit);
      }
    }
  }

  /** Waits until the stub has taken the packet just sent. */
  void awaitAcknowledgement(Duration limit) throws IOException {
    long deadline = System.nanoTime() + limit.toNanos();
    RspDecoder.Event event;
    do {
      event = event(deadline, limit);
    } while (!(event instanceof RspDecoder.Acknowledged));
  }

  /** A packet that is there already; empty if none is. Acknowledgements are passed over. */
  Optional<String> poll() throws IOException {
    while (true) {
      Optional<RspDecoder.Event> event = decoder.next(input);
      if (event.isPresent()) {
        if (event.get() instanceof RspDecoder.Packet packet) {
          return Optional.of(packet.payload());
        }
      } else if (fill() == 0) {
        return Optional.empty();
      }
    }
  }

  @SuppressWarnings("ThreadPriorityCheck") // only to let others run; progress does not need it
  private RspDecoder.Event event(long deadline, Duration limit) throws IOException {
    long asleepFrom = System.nanoTime() + spinNanos;
    while (true) {
      Optional<RspDecoder.Event> event = decoder.next(input);
      if (event.isPresent()) {
        return event.get();
      }
      if (fill() == 0) {
        if (System.nanoTime() - asleepFrom < 0) {
          Thread.yield(); // who is to answer may want this very CPU
        } else if (!socket.awaitInput(deadline)) {
          throw timeout(limit);
        }
      }
    }
  }

  /**
   * Whether an answer is worth to be waited for without sleeping: not while a guest may need the
   * CPU to get to the point where it can be stopped.
   */
  void spin(boolean worthIt) {
    spinNanos = worthIt ? SPIN_NANOS : 0;
  }

  private int fill() throws IOException {
    input.clear();
    int count;
    try {
      count = socket.read(input);
    } catch (IOException e) {
      throw closed(e);
    } finally {
      input.flip();
    }
    if (count < 0) {
      throw new RspException(Kind.CLOSED, "gdbstub closed the connection");
    }
    return count;
  }

  private void write(ByteBuffer bytes, Duration limit) throws IOException {
    boolean written;
    try {
      written = socket.write(bytes, System.nanoTime() + limit.toNanos());
    } catch (IOException e) {
      throw closed(e);
    }
    if (!written) {
      throw timeout(limit);
    }
  }

  private static RspException timeout(Duration limit) {
    return new RspException(
        Kind.TIMEOUT, "gdbstub does not answer: limit=" + limit.toMillis() + " ms");
  }

  private static RspException closed(IOException cause) {
    RspException closed = new RspException(Kind.CLOSED, "gdbstub connection broke: " + cause);
    closed.initCause(cause);
    return closed;
  }

  private static byte[] bytes(CharSequence text) {
    return text.toString().getBytes(StandardCharsets.ISO_8859_1);
  }

  /** Drops the connection. QEMU leaves the guest as it is: stopped or running. */
  @Override
  public void close() throws IOException {
    socket.close();
  }
}
