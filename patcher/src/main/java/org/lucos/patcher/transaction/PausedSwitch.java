package org.lucos.patcher.transaction;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import org.lucos.bridge.domain.UnexpectedBytesException;
import org.lucos.patcher.plan.TextEdit;
import org.lucos.patcher.refusal.BusyRefusal;
import org.lucos.patcher.refusal.Refusal;

/**
 * One attempt at a switch while the guest stands still: all of it within the budget, or nothing.
 */
final class PausedSwitch {
  private final Steps steps;
  private final PauseBudget budget;

  /** What is done to the guest. */
  interface Steps {
    /**
     * What to write where, which will mostly be done next. Fails if the guest is not the one that
     * it was prepared for, or anything else than expected is where anything is to be written.
     */
    List<TextEdit> compare();

    /** Reads the registers of all vCPUs. */
    void registers();

    /**
     * Why the code may not be replaced just now; to be asked for once the guest runs again.
     *
     * @param left how long the check may take
     */
    Optional<Supplier<Refusal>> check(Duration left);

    /** Writes all, or fails with {@link UnexpectedBytesException} and writes nothing. */
    void write(List<TextEdit> edits);

    /** Fails if anything is not there. */
    void readBack(List<TextEdit> edits);

    /** Puts back what was there before. */
    void undo(List<TextEdit> edits);
  }

  PausedSwitch(Steps steps, PauseBudget budget) {
    this.steps = steps;
    this.budget = budget;
  }

  /**
   * To be called in the pause.
   *
   * @param after what the phases behind the stack check take by experience
   * @return why nothing is changed, to be asked for once the guest runs again; empty if all is
   */
  Optional<Supplier<Refusal>> run(Duration after) {
    List<TextEdit> written = List.of();
    try {
      budget.ended(PausePhase.STOP);
      List<TextEdit> edits = steps.compare(); // while registers are on their way
      budget.ended(PausePhase.COMPARE);
      steps.registers();
      budget.ended(PausePhase.REGISTERS);
      Optional<Supplier<Refusal>> inUse = steps.check(budget.left().minus(after));
      if (inUse.isPresent()) {
        return inUse;
      }
      budget.ended(PausePhase.STACK_CHECK);
      written = edits;
      steps.write(edits);
      budget.ended(PausePhase.WRITE);
      steps.readBack(edits);
      budget.ended(PausePhase.READ_BACK);
      return Optional.empty();
    } catch (PauseBudget.Exceeded over) {
      if (!written.isEmpty()) {
        steps.undo(written);
      }
      return Optional.of(
          () ->
              new BusyRefusal.PauseBudgetExceeded(
                  over.phase().toString(), over.after().toMillis()));
    } catch (UnexpectedBytesException failure) {
      throw failure; // compared before the first write
    } catch (RuntimeException failure) {
      if (!written.isEmpty()) {
        undo(written, failure);
      }
      throw failure;
    }
  }

  private void undo(List<TextEdit> written, RuntimeException failure) {
    try {
      steps.undo(written);
    } catch (RuntimeException e) {
      failure.addSuppressed(e);
    }
  }
}
