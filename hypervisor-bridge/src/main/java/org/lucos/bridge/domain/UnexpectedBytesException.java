package org.lucos.bridge.domain;

import java.util.HexFormat;
import org.lucos.bridge.addr.GuestPhysicalAddress;

/** Memory about to be written does not hold what was expected; it was left alone. */
public final class UnexpectedBytesException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** States where, what was expected and what is there. */
  public UnexpectedBytesException(GuestPhysicalAddress at, byte[] expected, byte[] found) {
    super(
        "unexpected bytes: physical="
            + at
            + ", expected="
            + HexFormat.of().formatHex(expected)
            + ", found="
            + HexFormat.of().formatHex(found));
  }
}
