package org.lucos.patcher.transaction;

import java.util.Locale;

/** What a pause consists of, in this order. */
public enum PausePhase {
  /** From the order to stop until all vCPUs stand. */
  STOP,
  /**
   * The guest is seen to be in the boot that was attached, every place to hold what is expected.
   */
  COMPARE,
  /** Their registers are read. */
  REGISTERS,
  /** Nobody is inside. */
  STACK_CHECK,
  /** All is written. */
  WRITE,
  /** And is there. */
  READ_BACK,
  /** From the order to run until the hypervisor has taken it. */
  RESUME;

  /** As in messages. */
  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT).replace('_', ' ');
  }
}
