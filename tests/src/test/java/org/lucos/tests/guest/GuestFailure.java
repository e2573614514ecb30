package org.lucos.tests.guest;

/**
 * A guest did not do what a test needs of it; the message ends with what the guest's console said.
 */
public class GuestFailure extends AssertionError {
  private static final long serialVersionUID = 1;

  GuestFailure(String message) {
    super(message);
  }

  GuestFailure(String message, Throwable cause) {
    super(message, cause);
  }
}
