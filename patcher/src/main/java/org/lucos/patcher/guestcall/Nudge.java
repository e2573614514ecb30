package org.lucos.patcher.guestcall;

import java.util.OptionalInt;

/**
 * Somebody in the guest who comes by when asked, so that a guest call need not wait for a worker of
 * the kernel. Who says so is not trusted: a task that is named is looked at like any other, and one
 * that does not come is not waited for.
 */
public interface Nudge {
  /** Nobody. */
  Nudge NONE =
      new Nudge() {
        @Override
        public OptionalInt task() {
          return OptionalInt.empty();
        }

        @Override
        public void come() {}
      };

  /** The number of the task that will come, if there is one. Asked before each call. */
  OptionalInt task();

  /** Asks it to leave a system call. Waits for nothing, and does not fail. */
  void come();

  /** Tells which task ran the call after all, as the guest's memory says: {@code name[number]}. */
  default void carried(String carrier) {}
}
