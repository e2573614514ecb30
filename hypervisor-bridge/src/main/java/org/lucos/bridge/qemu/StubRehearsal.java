package org.lucos.bridge.qemu;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Plays one session with a make-believe gdbstub in this process, so that the JVM has loaded the
 * code before a guest stands still for it: the first connection otherwise takes some 50 ms more.
 */
final class StubRehearsal {
  private static final Logger LOG = LoggerFactory.getLogger(StubRehearsal.class);

  private static final int REGISTER_BYTES = 8;

  /** Until most of it is compiled; no longer than the watchdog takes to start. */
  private static final int REPETITIONS = 40;

  private StubRehearsal() {}

  /** Plays it; a failure costs the time saved and nothing else. */
  static void run() {
    try {
      Path directory = Files.createTempDirectory("lucos");
      Path socket = directory.resolve("rehearsal");
      try (ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
        server.bind(UnixDomainSocketAddress.of(socket));
        Thread partner = new Thread(() -> serve(server), "rehearsal");
        partner.setDaemon(true);
        partner.start();
        play(socket);
      } finally {
        Files.deleteIfExists(socket);
        Files.delete(directory);
      }
    } catch (IOException e) {
      LOG.debug("rehearsal failed", e);
    }
  }

  private static void play(Path socket) throws IOException {
    try (GdbStub stub = GdbStub.open(socket)) {
      stub.learnRegisters();
      stub.prepareRegisters();
      for (int i = 0; i < REPETITIONS; i++) {
        stub.registers();
        stub.resume();
        stub.stop(true);
        stub.registers();
        stub.write(List.of(new GdbStub.Write(0, new byte[1])));
        stub.read(0, 1);
        stub.resume();
        stub.stop();
      }
      stub.resume();
    }
  }

  private static void serve(ServerSocketChannel server) {
    ByteBuffer input = ByteBuffer.allocate(1 << 12);
    RspDecoder decoder = new RspDecoder();
    try (SocketChannel channel = server.accept()) {
      while (channel.read(input.clear()) >= 0) {
        input.flip();
        Optional<RspDecoder.Event> event = decoder.next(input);
        while (event.isPresent()) {
          if (event.get() instanceof RspDecoder.Packet packet) {
            reply(channel, packet.payload());
          }
          event = decoder.next(input);
        }
      }
    } catch (IOException e) {
      LOG.debug("rehearsal ended", e);
    }
  }

  private static void reply(SocketChannel channel, String command) throws IOException {
    String text = "+";
    if (!command.equals("c")) {
      text += RspEncoder.packet(answer(command));
    }
    channel.write(ByteBuffer.wrap(text.getBytes(StandardCharsets.ISO_8859_1)));
  }

  private static String answer(String command) {
    if (command.startsWith("qSupported")) {
      return "qXfer:features:read+";
    }
    if (command.startsWith("qXfer")) {
      return command.contains("target.xml")
          ? "l<target><xi:include href=\"core.xml\"/></target>"
          : "l" + description();
    }
    return switch (command) {
      case "qfThreadInfo" -> "m1";
      case "qsThreadInfo" -> "l";
      case "g" -> "00".repeat(REGISTER_BYTES * RegisterLayout.needed().size());
      case "m0,1" -> "00";
      default -> "OK";
    };
  }

  private static String description() {
    StringBuilder xml = new StringBuilder("<feature>");
    for (String name : RegisterLayout.needed()) {
      xml.append("<reg name=\"" + name + "\" bitsize=\"" + REGISTER_BYTES * 8 + "\"/>");
    }
    return xml.append("</feature>").toString();
  }
}
