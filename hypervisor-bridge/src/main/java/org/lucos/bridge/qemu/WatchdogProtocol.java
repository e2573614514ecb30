package org.lucos.bridge.qemu;

import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;

/**
 * The lines between a controller and its watchdog process. The controller sends one order a line
 * and goes on when it is answered with {@link #OK}; end of input is the controller's end.
 */
final class WatchdogProtocol {
  /** The watchdog's first line: from here on it watches. */
  static final String READY = "ready";

  /** An order was taken. */
  static final String OK = "ok";

  /** The watchdog has acted on its own: the lease is void. */
  static final String EXPIRED = "expired";

  private WatchdogProtocol() {}

  /** What a controller says. */
  sealed interface Order {
    /** As a line, without its end. */
    String line();
  }

  /**
   * The guest is about to be stopped.
   *
   * @param resume whether it must run again in the end
   */
  record Arm(boolean resume) implements Order {
    @Override
    public String line() {
      return resume ? "arm run" : "arm hold";
    }
  }

  /** Memory is about to be written: how it was. */
  record Undo(List<GdbStub.Write> writes) implements Order {
    @Override
    public String line() {
      StringBuilder line = new StringBuilder("undo");
      for (GdbStub.Write write : writes) {
        line.append(' ').append(Long.toHexString(write.physical()));
        line.append(' ').append(HexFormat.of().formatHex(write.bytes()));
      }
      return line.toString();
    }
  }

  /** Nothing is to be done: answered only while the pause lasts. */
  record Hold() implements Order {
    @Override
    public String line() {
      return "hold";
    }
  }

  /** What was written is to stay. */
  record Commit() implements Order {
    @Override
    public String line() {
      return "commit";
    }
  }

  /** The guest runs, or is as it was found. */
  record Disarm() implements Order {
    @Override
    public String line() {
      return "disarm";
    }
  }

  /** The controller has closed everything itself. */
  record Quit() implements Order {
    @Override
    public String line() {
      return "quit";
    }
  }

  /** Reads a line; empty if it is none of the orders. */
  static Optional<Order> parse(String line) {
    return switch (line) {
      case "arm run" -> Optional.of(new Arm(true));
      case "arm hold" -> Optional.of(new Arm(false));
      case "hold" -> Optional.of(new Hold());
      case "commit" -> Optional.of(new Commit());
      case "disarm" -> Optional.of(new Disarm());
      case "quit" -> Optional.of(new Quit());
      default -> line.startsWith("undo ") ? parseUndo(line) : Optional.empty();
    };
  }

  private static Optional<Order> parseUndo(String line) {
    String[] words = line.split(" ", -1);
    if (words.length % 2 != 1) {
      return Optional.empty();
    }
    List<GdbStub.Write> writes = new ArrayList<>();
    try {
      for (int i = 1; i < words.length; i += 2) {
        writes.add(
            new GdbStub.Write(
                Long.parseUnsignedLong(words[i], 16), HexFormat.of().parseHex(words[i + 1])));
      }
    } catch (IllegalArgumentException e) {
      return Optional.empty();
    }
    return Optional.of(new Undo(writes));
  }
}
