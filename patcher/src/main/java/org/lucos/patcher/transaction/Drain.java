package org.lucos.patcher.transaction;

import java.util.List;
import org.lucos.patcher.consistency.StackChecker;
import org.lucos.patcher.consistency.StackReport;
import org.lucos.patcher.kernel.RunningKernel;
import org.lucos.patcher.refusal.Straggler;

/**
 * How far the guest has left the code that a patch replaced at once, with tasks inside. Looked at
 * while the guest runs: a task that runs at that moment is not looked into, as a revert does in its
 * pause.
 *
 * @param state {@link PatchState#DRAINING} if an applied patch has anybody inside; else the patch's
 * @param inside tasks that rest in the old code
 */
public record Drain(PatchState state, List<Straggler> inside) {
  /** Copies the list. */
  public Drain {
    inside = List.copyOf(inside);
  }

  /** Looks at the stacks of all tasks if there may be anybody inside. */
  public static Drain of(RunningKernel kernel, GuestPatch patch) {
    if (!patch.ledger().immediate() || patch.state() != PatchState.APPLIED) {
      return new Drain(patch.state(), List.of());
    }
    StackReport report = new StackChecker(kernel).prepare(patch.oldCode()).survey();
    List<Straggler> inside = Stragglers.describe(kernel, report.inUse());
    return new Drain(inside.isEmpty() ? PatchState.APPLIED : PatchState.DRAINING, inside);
  }
}
