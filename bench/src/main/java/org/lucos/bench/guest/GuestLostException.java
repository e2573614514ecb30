package org.lucos.bench.guest;

/** A guest did not come up, or no longer does what it is told. */
public final class GuestLostException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** With what it last said. */
  public GuestLostException(String message) {
    super(message);
  }
}
