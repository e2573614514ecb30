package org.lucos.patcher.app;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.lucos.patcher.guestcall.CallUnfinishedException;
import org.lucos.patcher.kernel.RunningKernel;
import org.lucos.patcher.refusal.BusyRefusal;
import org.lucos.patcher.refusal.Refusal;
import org.lucos.patcher.refusal.RefusedException;
import org.lucos.patcher.refusal.StateRefusal;
import org.lucos.patcher.transaction.GuestPatch;
import org.lucos.patcher.transaction.Journal;
import org.lucos.patcher.transaction.Recovery;

/**
 * One operation on a guest: its steps go to the journal, to the log for people and to who waits, in
 * this order, each before it is done. Unless it is completed, its journal stays.
 */
final class Operation implements AutoCloseable {
  private final Phases phases;
  private final OperationLog log;
  private final Journal.Operation record;
  private final Journal journal;
  private @Nullable String current;

  private Operation(Phases phases, OperationLog log, Journal.Operation record, Journal journal) {
    this.record = record;
    this.phases = phases;
    this.log = log;
    this.journal = journal;
  }

  /**
   * Begins it; nothing may have been written to the guest before.
   *
   * @throws org.lucos.patcher.refusal.RefusedException {@code JournalNotWritable}
   */
  static Operation begin(
      Settings settings,
      GuestSession session,
      Phases phases,
      OperationLog log,
      List<Journal.Entry> leaving,
      List<Journal.Entry> coming) {
    String kind = leaving.isEmpty() ? "apply" : coming.isEmpty() ? "revert" : "replace";
    Journal.Operation operation =
        new Journal.Operation(
            Journal.FORMAT,
            kind,
            session.domain().identity().name(),
            session.kernel().identity().boot(),
            settings.clock().instant().toString(),
            ProcessHandle.current().pid(),
            leaving,
            coming);
    return new Operation(
        phases,
        log,
        operation,
        Journal.begin(
            settings.state(), session.domain().identity().uuid(), operation, settings.clock()));
  }

  /** What the journal says of a patch that is to be taken out. */
  static Journal.Entry leaving(GuestPatch patch) {
    return new Journal.Entry(
        patch.ledger().patch(),
        patch.module().name(),
        "",
        (int) patch.sites().stream().filter(GuestPatch.Site::isTaken).count());
  }

  /** Begins a step. */
  void step(String phase, String event, Map<String, ?> facts) {
    endStep();
    journal.write(event, false);
    current = event;
    log.write(event, facts);
    phases.begin(phase);
  }

  private void endStep() {
    Optional.ofNullable(current).ifPresent(step -> journal.write(step, true));
    current = null;
  }

  /**
   * What to do about a failure before the switch is known to be made: what cannot be reached, what
   * runs on, and what was switched all the same is left as it is, with its journal; else all is
   * undone.
   *
   * @param undo what to do then
   * @return what to throw
   */
  RuntimeException stopped(RunningKernel kernel, RuntimeException caught, Runnable undo) {
    RuntimeException failure = GuestFate.explain(kernel, caught);
    try {
      if (caught.getCause() instanceof CallUnfinishedException || GuestFate.isOutOfReach(failure)) {
        log.write("left", Map.of("reason", Failures.describe(failure)));
      } else if (Recovery.isSwitched(kernel, record)) {
        return unfinished(failure);
      } else {
        undo(Failures.describe(failure), failure);
        undo.run();
        journal.complete();
      }
    } catch (RuntimeException e) {
      failure.addSuppressed(e); // the journal stays: the next command goes on
    }
    return failure;
  }

  /** What to throw for a failure behind the switch: the journal stays, and that has to be told. */
  RuntimeException behindSwitch(RunningKernel kernel, RuntimeException caught) {
    return unfinished(GuestFate.explain(kernel, caught));
  }

  private RuntimeException unfinished(RuntimeException failure) {
    Optional<Refusal> refusal = Failures.refusal(failure);
    boolean tells =
        GuestFate.isOutOfReach(failure)
            || refusal.filter(r -> r instanceof BusyRefusal).isPresent()
            || refusal.filter(r -> r instanceof StateRefusal).isPresent();
    return tells
        ? failure
        : new RefusedException(
            new StateRefusal.LeftUnfinished(
                record.describe(),
                refusal.map(Refusal::message).orElseGet(() -> Failures.describe(failure))),
            failure);
  }

  /** It failed, and is being undone; what cannot be recorded does not stand in the way of that. */
  private void undo(String reason, RuntimeException failure) {
    phases.begin("undo");
    current = null;
    try {
      journal.write("undo", false);
      log.write("undo", Map.of("reason", reason));
    } catch (RuntimeException e) {
      failure.addSuppressed(e);
    }
  }

  /** It is over: what is in the guest is as wanted, or as before. */
  void complete() {
    step("close the journal", "close", Map.of());
    journal.complete();
  }

  @Override
  public void close() {
    journal.close();
  }
}
