package org.lucos.bridge.qemu;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/**
 * Cuts the byte stream of a gdbstub into packets, whatever the pieces it arrives in: {@code
 * $payload#checksum}, with <code>}</code> escapes and {@code *} run lengths in the payload. Source:
 * "Overview" of the GDB Remote Serial Protocol in GDB's manual.
 */
public final class RspDecoder {

  /** What the stream holds. */
  public sealed interface Event {}

  /**
   * A packet with a right checksum.
   *
   * @param payload unescaped; one char a byte
   */
  public record Packet(String payload) implements Event {}

  /** The other side got a packet of ours. */
  public record Acknowledged() implements Event {}

  /** The other side asks for our last packet again. */
  public record ResendWanted() implements Event {}

  /** A packet came, but not as it was sent. */
  public record Damaged(String why) implements Event {}

  /** Far above QEMU's largest packet (4 KiB of payload), run lengths expanded. */
  static final int LONGEST_PACKET = 1 << 20;

  private enum State {
    BETWEEN,
    PAYLOAD,
    ESCAPED,
    RUN,
    FIRST_DIGIT,
    SECOND_DIGIT
  }

  private final StringBuilder payload = new StringBuilder();
  private State state = State.BETWEEN;
  private int sum;
  private int digits;
  private String damage = "";

  /** Takes bytes from {@code input} until one event is complete; empty if they do not suffice. */
  public Optional<Event> next(ByteBuffer input) {
    while (input.hasRemaining()) {
      if (state == State.PAYLOAD) {
        plain(input);
      }
      if (!input.hasRemaining()) {
        break;
      }
      Optional<Event> event = accept(input.get() & 0xff);
      if (event.isPresent()) {
        return event;
      }
    }
    return Optional.empty();
  }

  /** Takes what stands for itself: nearly all of a payload. */
  private void plain(ByteBuffer input) {
    byte[] bytes = new byte[Math.min(input.remaining(), LONGEST_PACKET - payload.length())];
    input.get(input.position(), bytes);
    int length = 0;
    while (length < bytes.length && isPlain(bytes[length])) {
      sum += bytes[length] & 0xff;
      length++;
    }
    input.position(input.position() + length);
    payload.append(new String(bytes, 0, length, StandardCharsets.ISO_8859_1));
  }

  private static boolean isPlain(byte octet) {
    return octet != '#' && octet != '$' && octet != '}' && octet != '*';
  }

  private Optional<Event> accept(int octet) {
    switch (state) {
      case BETWEEN -> {
        return between(octet);
      }
      case FIRST_DIGIT -> {
        digits = Character.digit(octet, 16);
        state = State.SECOND_DIGIT;
      }
      case SECOND_DIGIT -> {
        state = State.BETWEEN;
        return Optional.of(finished(octet));
      }
      default -> payload(octet);
    }
    return Optional.empty();
  }

  private Optional<Event> between(int octet) {
    return switch (octet) {
      case '$' -> {
        restart();
        yield Optional.empty();
      }
      case '+' -> Optional.of(new Acknowledged());
      case '-' -> Optional.of(new ResendWanted());
      default -> Optional.empty(); // noise between packets carries no meaning
    };
  }

  private void payload(int octet) {
    if (octet == '#' && state == State.PAYLOAD) {
      state = State.FIRST_DIGIT;
      return;
    }
    if (octet == '$' && state == State.PAYLOAD) {
      restart(); // '$' is always escaped inside a packet: this is a new one
      return;
    }
    sum += octet;
    switch (state) {
      case ESCAPED -> {
        append(octet ^ 0x20, 1);
        state = State.PAYLOAD;
      }
      case RUN -> {
        int times = octet - 29;
        if (times < 1 || payload.isEmpty()) {
          damage = "bad run length";
        } else {
          append(payload.charAt(payload.length() - 1), times);
        }
        state = State.PAYLOAD;
      }
      default -> {
        if (octet == '}') {
          state = State.ESCAPED;
        } else if (octet == '*') {
          state = State.RUN;
        } else {
          append(octet, 1);
        }
      }
    }
  }

  private void append(int octet, int times) {
    if (payload.length() + times > LONGEST_PACKET) {
      damage = "packet too long";
      return;
    }
    for (int i = 0; i < times; i++) {
      payload.append((char) octet);
    }
  }

  private Event finished(int octet) {
    int low = Character.digit(octet, 16);
    if (digits < 0 || low < 0) {
      return new Damaged("checksum is not hexadecimal");
    }
    if (((digits << 4) | low) != (sum & 0xff)) {
      return new Damaged("wrong checksum");
    }
    return damage.isEmpty() ? new Packet(payload.toString()) : new Damaged(damage);
  }

  private void restart() {
    payload.setLength(0);
    sum = 0;
    damage = "";
    state = State.PAYLOAD;
  }
}
