package org.lucos.bridge.addr;

/** An address, or arithmetic on one, left the range its kind of address can have. */
public final class AddressOutOfRangeException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** States which address and how. */
  public AddressOutOfRangeException(String message) {
    super(message);
  }

  /** States which address and how. */
  public AddressOutOfRangeException(String message, Throwable cause) {
    super(message, cause);
  }
}
