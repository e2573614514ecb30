package org.lucos.bridge.qemu;

import java.io.IOException;

/** A conversation with a gdbstub broke down. */
final class RspException extends IOException {
  private static final long serialVersionUID = 1L;

  /** How. */
  enum Kind {
    /** The other side closed the connection. */
    CLOSED,
    /** Nothing came within the time allowed. */
    TIMEOUT,
    /** What came is not the protocol, or not an answer to what was asked. */
    MALFORMED,
    /** The stub answered with an error code. */
    REFUSED,
    /** The guest was let run by somebody else while it was held. */
    RESUMED_BY_OTHER
  }

  private final Kind kind;

  RspException(Kind kind, String message) {
    super(message);
    this.kind = kind;
  }

  Kind kind() {
    return kind;
  }
}
