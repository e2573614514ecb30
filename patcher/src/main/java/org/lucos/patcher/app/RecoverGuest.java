package org.lucos.patcher.app;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.lucos.patcher.refusal.ExitCode;
import org.lucos.patcher.refusal.InputRefusal;
import org.lucos.patcher.refusal.RefusedException;
import org.lucos.patcher.transaction.GuestPatch;
import org.lucos.patcher.transaction.Journal;
import org.lucos.patcher.transaction.PatchState;
import org.lucos.patcher.transaction.PatchSwitch;
import org.lucos.patcher.transaction.Recovery;

/** Finishes or undoes what a controller that died had begun. */
public final class RecoverGuest {
  private final Settings settings;

  /** Works with these settings. */
  public RecoverGuest(Settings settings) {
    this.settings = settings;
  }

  /** Which guest, and how long that may take. */
  public record Request(String guest, SwitchLimits limits) {}

  /**
   * What was found and done.
   *
   * @param finding {@code nothing} to do; {@code finished}: the functions had been switched, and
   *     what comes behind that was done; {@code undone}: they had not, and what was loaded was
   *     taken out; {@code mixed}: some had, see {@code patches}; {@code lost-to-reboot}: the guest
   *     was booted since; {@code tidied}: nothing of it is recorded here, but there were modules
   *     that redirect nothing, or callbacks that had not run, as an operation of another host
   *     leaves them
   * @param operation what had been begun, for people; empty if there is no journal of it
   * @param began when, ISO-8601; empty if there is no journal
   * @param steps that were begun
   * @param patches that are in the guest now
   * @param notes such as where a damaged journal is kept
   */
  public record Outcome(
      String finding,
      Report.Guest guest,
      String operation,
      String began,
      List<Step> steps,
      List<Patch> patches,
      List<String> notes,
      List<Report.Phase> phases) {
    /** Copies the collections. */
    public Outcome {
      steps = List.copyOf(steps);
      patches = List.copyOf(patches);
      notes = List.copyOf(notes);
      phases = List.copyOf(phases);
    }
  }

  /** One step, when it was begun, and whether it was over. */
  public record Step(String step, String at, boolean done) {}

  /** One patch. */
  public record Patch(String patch, String module, String state) {}

  /**
   * An operation that was ended for another.
   *
   * @param finding as {@link Outcome#finding}
   * @param operation what the journal said
   * @param notes what could not be done and need not be
   */
  record Ended(String finding, Journal.Unfinished operation, List<String> notes) {
    Ended {
      notes = List.copyOf(notes);
    }
  }

  /** Ends what is not over; the guest's memory decides in which way. */
  public Outcome run(Request request, Progress progress) {
    return AuditedOperation.run(
        settings, "recover", request.guest(), List.of(), audit -> run(request, progress, audit));
  }

  private Outcome run(Request request, Progress progress, AuditedOperation audit) {
    Phases phases = new Phases(progress);
    phases.begin("attach");
    try (GuestSession session = GuestSession.writing(settings, request.guest(), request.limits())) {
      audit.in(session);
      List<String> notes = new ArrayList<>();
      Optional<Ended> ended = Optional.empty();
      try {
        ended = end(settings, session, request.limits(), phases, List.of());
      } catch (RefusedException e) {
        if (!(e.refusal() instanceof InputRefusal.JournalDamaged)) {
          throw e;
        }
        Path kept = Journal.setAside(settings.state(), uuid(session));
        notes.add(e.refusal().message() + "; it is kept as " + kept);
      }
      String finding = ended.map(Ended::finding).orElse("nothing");
      if (ended.isEmpty() && withoutJournal(session, request.limits(), phases)) {
        finding = "tidied";
      }
      ended.map(Ended::notes).ifPresent(notes::addAll);
      List<Step> steps =
          ended.stream()
              .flatMap(found -> found.operation().begun().stream())
              .map(step -> new Step(step.step(), step.at(), step.done()))
              .toList();
      Outcome outcome =
          new Outcome(
              finding,
              session.describe(),
              ended.map(found -> found.operation().operation().describe()).orElse(""),
              ended.map(found -> found.operation().operation().began()).orElse(""),
              steps,
              GuestPatch.all(session.kernel()).stream()
                  .map(
                      patch ->
                          new Patch(
                              patch.ledger().patch(), patch.module().name(), patch.state().label()))
                  .toList(),
              notes,
              phases.end());
      audit.fact("recovers", outcome.operation());
      outcome.patches().forEach(p -> audit.patch(p.patch(), p.module(), p.state()));
      audit.done(finding, ExitCode.OK);
      return outcome;
    }
  }

  /**
   * Ends what a journal of this host tells of, if there is one. To be called by every command that
   * is going to write.
   *
   * @param again modules of patches that are about to be taken out anyway
   * @throws RefusedException {@code JournalDamaged}, or what stands in the way; the journal stays
   */
  static Optional<Ended> end(
      Settings settings,
      GuestSession session,
      SwitchLimits limits,
      Phases phases,
      List<String> again) {
    UUID guest = uuid(session);
    Optional<Journal.Unfinished> found = Journal.read(settings.state(), guest);
    if (found.isEmpty()) {
      return Optional.empty();
    }
    phases.begin("recover");
    Journal.Operation operation = found.get().operation();
    String finding = "lost-to-reboot";
    List<String> notes = List.of();
    try (OperationLog log = OperationLog.open(settings, session.domain().identity(), "recover")) {
      if (operation.boot().equals(session.kernel().identity().boot())) {
        Recovery recovery =
            new Recovery(session.kernel(), session.patchSwitch(limits), limits.timeout());
        finding =
            switch (recovery.run(operation, again)) {
              case FINISH -> "finished";
              case UNDO -> "undone";
              case MIXED -> "mixed";
            };
        notes = recovery.notes();
      }
      log.write(
          "recovered",
          Map.of(
              "finding", finding,
              "notes", notes,
              "operation", operation,
              "steps", found.get().steps()));
    }
    Journal.forget(settings.state(), guest);
    return Optional.of(new Ended(finding, found.get(), notes));
  }

  /** What a controller of another host left: modules that redirect nothing, callbacks not run. */
  private static boolean withoutJournal(GuestSession session, SwitchLimits limits, Phases phases) {
    phases.begin("look at patches");
    PatchSwitch patchSwitch = session.patchSwitch(limits);
    boolean tidied = false;
    for (GuestPatch patch : GuestPatch.all(session.kernel())) {
      if (patch.state() == PatchState.LOADED) {
        phases.begin("take module out");
        patchSwitch.unload(patch.module().name(), limits.timeout());
        tidied = true;
      } else if (patch.state() == PatchState.APPLIED) {
        tidied |= patchSwitch.callbacks(limits.timeout()).postPatch(patch);
      }
    }
    return tidied;
  }

  private static UUID uuid(GuestSession session) {
    return session.domain().identity().uuid();
  }
}
