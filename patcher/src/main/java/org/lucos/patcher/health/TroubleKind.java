package org.lucos.patcher.health;

import java.util.Locale;

/** What a kernel complains of. */
public enum TroubleKind {
  /** A fault in kernel code; the task that met it is gone. */
  OOPS,
  /** The kernel found itself in a state that must not be. */
  BUG,
  /** The same, where it goes on. */
  WARN,
  /** A CPU does not leave the kernel; interrupts still come through. */
  SOFT_LOCKUP,
  /** A CPU does not even take interrupts. */
  HARD_LOCKUP,
  /** A CPU or task holds up RCU. */
  RCU_STALL,
  /** A task sleeps uninterruptibly for minutes. */
  HUNG_TASK,
  /** The kernel has given up. */
  PANIC;

  /** As people and scripts read it. */
  public String label() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  /** Whether it concerns the guest wherever it happened. */
  public boolean concernsAll() {
    return this == SOFT_LOCKUP || this == HARD_LOCKUP || this == RCU_STALL || this == PANIC;
  }
}
