package org.lucos.bridge.qemu;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A gdbstub that behaves as QEMU's does where it is odd: connecting stops the guest, any byte sent
 * to a running guest stops it and is lost, except while a packet of its own is not acknowledged;
 * stops are reported unasked; closing the connection changes nothing.
 */
final class FakeStub implements AutoCloseable {
  static final int REGISTER_BYTES = 8;

  final byte[] ram = new byte[1 << 16];
  final List<String> commands = new CopyOnWriteArrayList<>();
  volatile boolean running = true;

  /** As since QEMU 8.1: a running guest is stopped by any byte, but told of for the right one. */
  volatile boolean tellsOfInterruptsOnly;

  volatile boolean physicalMode;

  /** Packets to damage before they are sent right. */
  final AtomicInteger damage = new AtomicInteger();

  /** Bytes at a time; small numbers cut packets into pieces. */
  volatile int pieceSize = Integer.MAX_VALUE;

  /** Drops the connection when this command comes. */
  volatile String dieAt = "never";

  /** Stays silent when this command comes. */
  volatile String hangAt = "never";

  private final ServerSocketChannel server;
  private final Thread thread;
  private volatile SocketChannel client;
  private int threadsListed;
  private boolean unacknowledged;
  private String lastPacket = "";
  private int currentThread = 1;
  private StringBuilder line = new StringBuilder();
  private boolean inPacket;

  FakeStub(Path socket) throws IOException {
    server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
    server.bind(UnixDomainSocketAddress.of(socket));
    client = SocketChannel.open(StandardProtocolFamily.UNIX);
    thread = new Thread(this::serve, "fake-stub");
    thread.setDaemon(true);
    thread.start();
  }

  private void serve() {
    while (server.isOpen()) {
      try (SocketChannel accepted = server.accept()) {
        client = accepted;
        unacknowledged = false;
        inPacket = false;
        pauseByAnyone();
        converse(accepted);
      } catch (IOException e) {
        // the connection or the server is closed: as in QEMU, nothing else changes
      }
    }
  }

  private void converse(SocketChannel accepted) throws IOException {
    ByteBuffer input = ByteBuffer.allocate(4096);
    while (accepted.read(input.clear()) >= 0) {
      input.flip();
      while (input.hasRemaining()) {
        accept((char) (input.get() & 0xff));
      }
    }
  }

  private synchronized void accept(char c) throws IOException {
    if (unacknowledged) {
      if (c == '-') {
        sendLastPacket();
      }
      if (c == '+' || c == '$') {
        unacknowledged = false;
      }
      if (c != '$') {
        return;
      }
    }
    if (running) {
      if (c != 3 && tellsOfInterruptsOnly) {
        running = false;
      }
      pauseByAnyone();
      return;
    }
    if (!inPacket) {
      inPacket = c == '$';
      line = new StringBuilder();
      return;
    }
    line.append(c);
    int end = line.indexOf("#");
    if (end >= 0 && line.length() == end + 3) {
      inPacket = false;
      String command = line.substring(0, end);
      // QEMU acknowledges first; a test that looks at once must not see the guest stopped still.
      running = command.equals("c");
      send("+");
      handle(command);
    }
  }

  /** Stops the guest, as a monitor command would. */
  synchronized void pauseByAnyone() throws IOException {
    if (running) {
      running = false;
      if (client.isConnected()) {
        packet("T02thread:01;");
      }
    }
  }

  /** Drops the connection, as closing and opening the port does. */
  void dropClient() {
    try {
      client.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void handle(String command) throws IOException {
    commands.add(command);
    if (command.startsWith(dieAt)) {
      client.close();
      return;
    }
    if (command.startsWith(hangAt)) {
      return;
    }
    if (command.equals("c")) {
      return;
    }
    if (command.startsWith("D")) {
      running = true;
      packet("OK");
    } else if (command.startsWith("Qqemu.PhyMemMode:")) {
      physicalMode = command.endsWith("1");
      packet("OK");
    } else if (command.startsWith("qSupported")) {
      packet("PacketSize=1000;qXfer:features:read+;vContSupported+");
    } else if (command.startsWith("qXfer:features:read:target.xml:")) {
      packet(piece("<target><xi:include href=\"core.xml\"/></target>", command));
    } else if (command.startsWith("qXfer:features:read:core.xml:")) {
      packet(piece(core(), command));
    } else if (command.equals("qfThreadInfo")) {
      threadsListed = 1;
      packet("m01");
    } else if (command.equals("qsThreadInfo")) {
      packet(threadsListed++ == 1 ? "m02" : "l");
    } else if (command.startsWith("Hg")) {
      currentThread = Integer.parseInt(command.substring(2), 16);
      packet("OK");
    } else if (command.equals("g")) {
      packet(registers());
    } else if (command.startsWith("m") || command.startsWith("M")) {
      packet(physicalMode ? memory(command) : "E14");
    } else {
      packet("");
    }
  }

  private String memory(String command) {
    String[] parts = command.substring(1).split("[,:]", -1);
    int at = Integer.parseInt(parts[0], 16);
    int length = Integer.parseInt(parts[1], 16);
    if (command.startsWith("m")) {
      return HexFormat.of().formatHex(ram, at, at + length);
    }
    System.arraycopy(HexFormat.of().parseHex(parts[2]), 0, ram, at, length);
    return "OK";
  }

  private static String core() {
    StringBuilder xml = new StringBuilder("<!DOCTYPE feature SYSTEM \"gdb-target.dtd\"><feature>");
    for (String name : RegisterLayout.needed()) {
      xml.append("<reg name=\"" + name + "\" bitsize=\"" + REGISTER_BYTES * 8 + "\"/>");
    }
    return xml.append("</feature>").toString();
  }

  /** Register i of vCPU n holds 0x0n00 + i. */
  private String registers() {
    ByteBuffer block =
        ByteBuffer.allocate(RegisterLayout.needed().size() * REGISTER_BYTES)
            .order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; block.hasRemaining(); i++) {
      block.putLong(currentThread * 0x100L + i);
    }
    return HexFormat.of().formatHex(block.array());
  }

  private static String piece(String text, String command) {
    String[] range = command.substring(command.lastIndexOf(':') + 1).split(",", -1);
    int from = Integer.parseInt(range[0], 16);
    int to = Math.min(text.length(), from + Math.min(100, Integer.parseInt(range[1], 16)));
    return (to == text.length() ? "l" : "m") + text.substring(from, to);
  }

  private void packet(String payload) throws IOException {
    lastPacket = RspEncoder.packet(payload);
    unacknowledged = true;
    sendLastPacket();
  }

  private void sendLastPacket() throws IOException {
    boolean whole = damage.getAndUpdate(left -> Math.max(0, left - 1)) == 0;
    send(whole ? lastPacket : lastPacket.substring(0, lastPacket.length() - 2) + "zz");
  }

  private void send(String text) throws IOException {
    byte[] bytes = text.getBytes(StandardCharsets.ISO_8859_1);
    for (int at = 0; at < bytes.length; at += Math.min(pieceSize, bytes.length)) {
      client.write(ByteBuffer.wrap(bytes, at, Math.min(pieceSize, bytes.length - at)));
    }
  }

  @Override
  public void close() throws IOException {
    server.close();
    client.close();
    try {
      thread.join(5_000); // until its accept() has ended, the socket still takes connections
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
