package org.lucos.patcher.guestcall;

/**
 * A guest call that began and did not end in time. It cannot be taken back: the guest goes on with
 * it, the stub stays in place, and whoever opens guest calls next finds it.
 */
public final class CallUnfinishedException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final String carrier;

  CallUnfinishedException(String program, int completed, String carrier) {
    super(
        "guest call does not end: program="
            + program
            + ", completed="
            + completed
            + ", carrier="
            + carrier);
    this.carrier = carrier;
  }

  /** The task that runs it, as {@code name[pid]}. */
  public String carrier() {
    return carrier;
  }
}
