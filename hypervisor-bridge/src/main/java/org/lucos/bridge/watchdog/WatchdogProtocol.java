package org.lucos.bridge.watchdog;

import java.util.Optional;

/**
 * The lines between a controller and its watchdog process. The controller sends one order a line
 * and goes on when it is answered with {@link #OK}; end of input is the controller's end.
 */
public final class WatchdogProtocol {
  /** The watchdog's first line: from here on it watches. */
  static final String READY = "ready";

  /** An order was taken. */
  static final String OK = "ok";

  /** The watchdog has acted on its own: the lease is void. */
  static final String EXPIRED = "expired";

  private WatchdogProtocol() {}

  /** What a controller says. */
  public sealed interface Order {
    /** As a line, without its end. */
    String line();
  }

  /**
   * The guest is about to be stopped.
   *
   * @param resume whether it must run again in the end
   */
  public record Arm(boolean resume) implements Order {
    @Override
    public String line() {
      return resume ? "arm run" : "arm hold";
    }
  }

  /** Nothing is to be done: answered only while the pause lasts. */
  public record Hold() implements Order {
    @Override
    public String line() {
      return "hold";
    }
  }

  /** The guest runs, or is as it was found. */
  public record Disarm() implements Order {
    @Override
    public String line() {
      return "disarm";
    }
  }

  /** The controller has closed everything itself. */
  public record Quit() implements Order {
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
      case "disarm" -> Optional.of(new Disarm());
      case "quit" -> Optional.of(new Quit());
      default -> Optional.empty();
    };
  }
}
