package org.lucos.patcher.transaction;

import java.util.EnumSet;
import java.util.Locale;
import java.util.Set;
import org.lucos.patcher.refusal.RefusedException;
import org.lucos.patcher.refusal.StateRefusal;

/**
 * What a patch is in a guest, and what may become of it. All but {@link #ABSENT}, {@link #WAITING}
 * and {@link #REVERTED} is told by the guest's own memory.
 */
public enum PatchState {
  /** Nothing of it is in the guest. */
  ABSENT,
  /** This host keeps it until a module that it changes is loaded. */
  WAITING,
  /** Its module is in guest memory, none of its redirects is. */
  LOADED,
  /** All of its redirects are in place, some perhaps under those of other patches. */
  APPLIED,
  /** Applied at once, and tasks are still inside the code that it replaced. */
  DRAINING,
  /** Its redirects were taken out a moment ago, and its module is about to go. */
  REVERTED,
  /** Reverted; its memory stays: the kernel may hold on to addresses in it, or tasks are inside. */
  RETAINED,
  /** A module that it patches is no longer loaded, or was loaded anew. */
  ORPHANED,
  /** Some redirects are in place and some are not, or a site holds something else. */
  FAILED;

  /** The states that lucos may bring it into from this one. */
  public Set<PatchState> next() {
    return switch (this) {
      case ABSENT -> EnumSet.of(LOADED, WAITING);
      case WAITING -> EnumSet.of(LOADED, ABSENT);
      case LOADED -> EnumSet.of(APPLIED, DRAINING, ABSENT);
      case DRAINING -> EnumSet.of(APPLIED, REVERTED);
      case APPLIED, ORPHANED, FAILED -> EnumSet.of(REVERTED);
      case REVERTED -> EnumSet.of(ABSENT, RETAINED);
      case RETAINED -> EnumSet.of(APPLIED, ABSENT);
    };
  }

  /** Whether lucos may bring it from this state into another one. */
  public boolean mayBecome(PatchState other) {
    return next().contains(other);
  }

  /**
   * Refuses a transition that is not in the table.
   *
   * @throws RefusedException with {@link StateRefusal.TransitionRefused}
   */
  public void require(String patch, PatchState wanted) {
    if (!mayBecome(wanted)) {
      throw new RefusedException(
          new StateRefusal.TransitionRefused(patch, label(), wanted.label()));
    }
  }

  /** As people and scripts read it. */
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }
}
