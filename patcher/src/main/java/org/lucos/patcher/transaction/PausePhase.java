package org.lucos.patcher.transaction;

import java.util.Locale;

/** What a pause consists of, in this order. */
public enum PausePhase {
  /** From the order to stop until all vCPUs stand. */
  STOP,
  /** Their registers are read, and the guest is seen to be in the boot that was attached. */
  REGISTERS,
  /** Nobody is inside. */
  STACK_CHECK,
  /** Every place holds what is expected. */
  COMPARE,
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
