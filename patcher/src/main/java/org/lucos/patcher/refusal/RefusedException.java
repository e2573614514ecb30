package org.lucos.patcher.refusal;

import org.jspecify.annotations.Nullable;

/** Carries a {@link Refusal} up to where it is reported. */
public final class RefusedException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final transient Refusal refusal;

  /** Refuses for this reason. */
  public RefusedException(Refusal refusal) {
    this(refusal, null);
  }

  /** Refuses for this reason, found through {@code cause}. */
  public RefusedException(Refusal refusal, @Nullable Throwable cause) {
    super(refusal.message(), cause);
    this.refusal = refusal;
  }

  /** Why. */
  public Refusal refusal() {
    return refusal;
  }
}
