package org.lucos.patcher.app;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.lucos.patcher.transaction.GuestPatch;
import org.lucos.patcher.transaction.Journal;

/**
 * One operation on a guest: its steps go to the journal, to the log for people and to who waits, in
 * this order, each before it is done. Unless it is completed, its journal stays.
 */
final class Operation implements AutoCloseable {
  private final Phases phases;
  private final OperationLog log;
  private final Journal journal;
  private @Nullable String current;

  private Operation(Phases phases, OperationLog log, Journal journal) {
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

  /** It failed, and is being undone; what cannot be recorded does not stand in the way of that. */
  void undo(String reason, RuntimeException failure) {
    phases.begin("take module out");
    current = null;
    try {
      journal.write("undo", false);
      log.write("undo", Map.of("reason", reason));
    } catch (RuntimeException e) {
      failure.addSuppressed(e);
    }
  }

  OperationLog log() {
    return log;
  }

  /** It is over: what is in the guest is as wanted, or as before. */
  void complete() {
    step("close the journal", "close", Map.of());
    journal.complete();
  }

  /** It was undone. */
  void givenUp() {
    journal.complete();
  }

  @Override
  public void close() {
    journal.close();
  }
}
