package org.lucos.bridge.domain;

import org.jspecify.annotations.Nullable;

/** Carries a {@link DomainRefusal} up to where it is reported. */
public final class DomainRefusedException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final transient DomainRefusal refusal;

  /** Refuses for this reason. */
  public DomainRefusedException(DomainRefusal refusal) {
    this(refusal, null);
  }

  /** Refuses for this reason, found through {@code cause}. */
  public DomainRefusedException(DomainRefusal refusal, @Nullable Throwable cause) {
    super(refusal.message(), cause);
    this.refusal = refusal;
  }

  /** Why. */
  public DomainRefusal refusal() {
    return refusal;
  }
}
