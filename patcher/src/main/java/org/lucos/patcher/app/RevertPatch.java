package org.lucos.patcher.app;

import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.lucos.patcher.build.Bundle;
import org.lucos.patcher.refusal.BusyRefusal;
import org.lucos.patcher.refusal.ExitCode;
import org.lucos.patcher.refusal.RefusedException;
import org.lucos.patcher.refusal.StateRefusal;
import org.lucos.patcher.refusal.Straggler;
import org.lucos.patcher.transaction.Dependencies;
import org.lucos.patcher.transaction.GuestPatch;
import org.lucos.patcher.transaction.Journal;
import org.lucos.patcher.transaction.PatchCallbacks;
import org.lucos.patcher.transaction.PatchState;
import org.lucos.patcher.transaction.PatchSwitch;
import org.lucos.patcher.transaction.SwitchOutcome;

/**
 * Takes patches out of a guest: the functions of all of them first, in one pause, then the memory.
 * One that waits for a module no longer does.
 */
public final class RevertPatch {
  /** How long tasks may take to leave before they are left inside, where that is asked for. */
  private static final Duration INSIDE = Duration.ofSeconds(4);

  private final Settings settings;

  /** Works with these settings. */
  public RevertPatch(Settings settings) {
    this.settings = settings;
  }

  /**
   * What to revert.
   *
   * @param guest name, UUID or id
   * @param patches names of patches or of their modules, or bundle files; all patches if empty
   * @param limits how long it may take
   * @param evenInside whether functions are put back although tasks stay inside of what replaced
   *     them; its memory is then kept
   */
  public record Request(
      String guest, List<String> patches, SwitchLimits limits, boolean evenInside) {
    /** Copies the list. */
    public Request {
      patches = List.copyOf(patches);
    }

    /** Nobody is left inside. */
    public Request(String guest, List<String> patches, SwitchLimits limits) {
      this(guest, patches, limits, false);
    }

    /** One patch, with the usual limit for callbacks. */
    public Request(String guest, String patch, Duration timeout, Duration maxPause) {
      this(guest, List.of(patch), new SwitchLimits(timeout, maxPause));
    }
  }

  /**
   * What was done.
   *
   * @param state {@code reverted}, or {@code cancelled} if all of them only waited
   * @param inside tasks that were left inside of what no longer replaces anything
   */
  public record Outcome(
      String state,
      Report.Guest guest,
      List<Reverted> patches,
      int attempts,
      double pauseMilliseconds,
      Report.Pauses pauses,
      List<Straggler> inside,
      List<Report.Phase> phases,
      String log) {
    /** Copies the lists. */
    public Outcome {
      patches = List.copyOf(patches);
      inside = List.copyOf(inside);
      phases = List.copyOf(phases);
    }
  }

  /**
   * One patch.
   *
   * @param state {@code reverted} or {@code cancelled}
   * @param unloaded whether the module is gone; if not, the kernel may hold on to addresses in it
   */
  public record Reverted(
      String state,
      String patch,
      String module,
      List<ShowStatus.Function> functions,
      boolean unloaded) {
    /** Copies the list. */
    public Reverted {
      functions = List.copyOf(functions);
    }
  }

  /** Reverts the patches, or refuses and leaves them as they were. */
  public Outcome run(Request request, Progress progress) {
    return AuditedOperation.run(
        settings, "revert", request.guest(), List.of(), audit -> run(request, progress, audit));
  }

  private Outcome run(Request request, Progress progress, AuditedOperation audit) {
    Phases phases = new Phases(progress);
    phases.begin("attach");
    try (GuestSession session = GuestSession.writing(settings, request.guest(), request.limits())) {
      audit.fact("asked", request.patches());
      Outcome outcome = reverted(request, audit.in(session), phases, audit);
      outcome.patches().forEach(p -> audit.patch(p.patch(), p.module(), p.state()));
      audit.done(outcome.state(), ExitCode.OK);
      return outcome;
    }
  }

  private Outcome reverted(
      Request request, GuestSession session, Phases phases, AuditedOperation audit) {
    try (OperationLog log = OperationLog.open(settings, session.domain().identity(), "revert")) {
      return new Run(request, session, phases, log, audit).revert();
    } catch (RuntimeException e) {
      throw session.explain(e);
    }
  }

  private final class Run {
    private final Request request;
    private final GuestSession session;
    private final Phases phases;
    private final OperationLog log;
    private final AuditedOperation audit;
    private final WaitingPatches waiting;
    private final PatchSwitch patchSwitch;
    private final PatchCallbacks callbacks;
    private final List<Reverted> done = new ArrayList<>();
    private List<Straggler> inside = List.of();

    Run(
        Request request,
        GuestSession session,
        Phases phases,
        OperationLog log,
        AuditedOperation audit) {
      this.audit = audit;
      this.request = request;
      this.session = session;
      this.phases = phases;
      this.log = log;
      this.waiting = new WaitingPatches(settings, session.domain().identity().uuid());
      SwitchLimits limits = request.limits();
      this.patchSwitch = session.patchSwitch(limits);
      this.callbacks = patchSwitch.callbacks(limits.timeout());
    }

    Outcome revert() {
      List<GuestPatch> all = GuestPatch.all(session.kernel());
      List<String> absent = new ArrayList<>();
      List<GuestPatch> wanted = chosen(all, absent);
      List<String> modules = wanted.stream().map(patch -> patch.module().name()).toList();
      Optional<RecoverGuest.Ended> ended =
          RecoverGuest.end(settings, session, request.limits(), phases, modules);
      ended.ifPresent(
          found -> {
            audit.fact("recovered", found.finding());
            log.write("recovered", Map.of("finding", found.finding()));
          });
      absent.removeIf(name -> ended.filter(found -> wasReverted(name, found)).isPresent());
      all = GuestPatch.all(session.kernel());
      List<GuestPatch> leaving = new ArrayList<>();
      for (GuestPatch patch : wanted) {
        Optional<GuestPatch> now =
            all.stream()
                .filter(each -> each.module().name().equals(patch.module().name()))
                .findFirst();
        now.ifPresentOrElse(leaving::add, () -> done.add(reverted(patch, true)));
      }
      Dependencies.requireFree(leaving, all, Set.of());
      List<WaitingPatches.Waiting> cancelled = absent.stream().map(this::waiting).toList();
      if (request.patches().isEmpty()) {
        cancelled = waiting.all().patches();
      }
      cancelled.forEach(this::cancel);
      leaving.forEach(patch -> waiting.remove(patch.module().name()));
      SwitchOutcome switched = leaving.isEmpty() ? null : takeOut(Dependencies.topFirst(leaving));
      List<Report.Phase> timings = phases.end();
      Report.Pauses pauses = Report.Pauses.of(session.domain().pauses());
      boolean onlyWaited = !done.isEmpty() && done.stream().allMatch(Run::isCancelled);
      String state = onlyWaited ? "cancelled" : "reverted";
      log.end(state, Map.of("phases", timings, "pauses", pauses), () -> {});
      return new Outcome(
          state,
          session.describe(),
          done,
          switched == null ? 0 : switched.attempts(),
          switched == null ? 0 : Report.millis(switched.pause()),
          pauses,
          inside,
          timings,
          log.file().toString());
    }

    private static boolean isCancelled(Reverted patch) {
      return patch.state().equals("cancelled");
    }

    /** Whether the operation that was finished just now had taken the patch out already. */
    private boolean wasReverted(String name, RecoverGuest.Ended ended) {
      String inside = nameInBundle(name).orElse(name);
      Optional<Journal.Entry> entry =
          ended.operation().operation().leaving().stream()
              .filter(each -> each.patch().equals(inside) || each.module().equals(inside))
              .filter(each -> ended.finding().equals("finished"))
              .findFirst();
      entry.ifPresent(
          each -> done.add(new Reverted("reverted", each.patch(), each.module(), List.of(), true)));
      return entry.isPresent();
    }

    /** The patches to take out; names of those that are not in the guest go to {@code absent}. */
    private List<GuestPatch> chosen(List<GuestPatch> all, List<String> absent) {
      if (request.patches().isEmpty()) {
        return all.stream().filter(Run::mayGo).toList();
      }
      Map<String, GuestPatch> chosen = new LinkedHashMap<>();
      for (String name : request.patches()) {
        Optional<GuestPatch> found =
            find(all, name).or(() -> nameInBundle(name).flatMap(inside -> find(all, inside)));
        found.ifPresentOrElse(
            patch -> chosen.put(patch.module().name(), patch), () -> absent.add(name));
      }
      return List.copyOf(chosen.values());
    }

    /** What the kernel may hold addresses in has to stay; what tasks were left in has not. */
    private static boolean mayGo(GuestPatch patch) {
      return patch.state() != PatchState.RETAINED || patch.isKept();
    }

    private WaitingPatches.Waiting waiting(String name) {
      return waiting
          .find(name)
          .or(() -> nameInBundle(name).flatMap(waiting::find))
          .orElseThrow(() -> new RefusedException(new StateRefusal.NotApplied(name)));
    }

    private void cancel(WaitingPatches.Waiting patch) {
      waiting.remove(patch.module());
      log.write("cancelled", Map.of("patch", patch.patch(), "module", patch.module()));
      done.add(new Reverted("cancelled", patch.patch(), patch.module(), List.of(), true));
    }

    private @Nullable SwitchOutcome takeOut(List<GuestPatch> leaving) {
      try (Operation operation =
          Operation.begin(
              settings,
              session,
              phases,
              log,
              leaving.stream().map(Operation::leaving).toList(),
              List.of())) {
        Optional<SwitchOutcome> switched = restore(operation, leaving);
        switched.ifPresent(audit::switched);
        try {
          leaving.forEach(patch -> unload(operation, patch));
          operation.complete();
        } catch (RuntimeException caught) {
          throw operation.behindSwitch(session.kernel(), caught);
        }
        return switched.orElse(null);
      }
    }

    private void unload(Operation operation, GuestPatch patch) {
      String module = patch.module().name();
      operation.step("unload module", "unload", Map.of("module", module));
      boolean unloaded = patchSwitch.unloadUnlessRetained(module, request.limits().timeout());
      done.add(reverted(patch, unloaded));
    }

    private Optional<SwitchOutcome> restore(Operation operation, List<GuestPatch> leaving) {
      List<GuestPatch> announced = new ArrayList<>();
      try {
        for (GuestPatch patch : leaving) {
          if (!patch.ledger().callbacks().isEmpty() && isWhole(patch)) {
            operation.step("pre_unpatch", "pre_unpatch", names(List.of(patch)));
            announced.add(patch);
            callbacks.preUnpatch(patch);
          }
        }
        session.askInside(request.limits(), leaving);
        operation.step("restore functions", "restore", names(leaving));
        return switched(operation, leaving);
      } catch (RuntimeException caught) {
        throw operation.stopped(
            session.kernel(), caught, () -> announced.forEach(callbacks::stayPatched));
      }
    }

    private Optional<SwitchOutcome> switched(Operation operation, List<GuestPatch> leaving) {
      Duration timeout = request.limits().timeout();
      boolean mayLeave =
          request.evenInside()
              && leaving.stream().allMatch(patch -> patch.ledger().callbacks().isEmpty());
      if (!mayLeave) {
        return patchSwitch.exchange(leaving, List.of(), false, timeout);
      }
      try {
        Duration first = timeout.compareTo(INSIDE) < 0 ? timeout : INSIDE;
        return patchSwitch.exchange(leaving, List.of(), false, first);
      } catch (RefusedException e) {
        if (!(e.refusal() instanceof BusyRefusal.FunctionInUse inUse)) {
          if (e.refusal() instanceof BusyRefusal) {
            return patchSwitch.exchange(leaving, List.of(), false, timeout);
          }
          throw e;
        }
        inside = inUse.stragglers();
        audit.fact("inside", inside.stream().map(Straggler::toString).toList());
        operation.step("leave tasks inside", "withdraw", names(leaving));
        return patchSwitch.withdraw(leaving, timeout);
      }
    }
  }

  private static Map<String, ?> names(List<GuestPatch> patches) {
    return Map.of(
        "patches", patches.stream().map(patch -> patch.ledger().patch()).toList(),
        "modules", patches.stream().map(patch -> patch.module().name()).toList());
  }

  private static Reverted reverted(GuestPatch patch, boolean unloaded) {
    return new Reverted(
        "reverted",
        patch.ledger().patch(),
        patch.module().name(),
        patch.sites().stream()
            .map(
                site ->
                    new ShowStatus.Function(
                        site.target().function(), site.redirect().at().toString(), "original"))
            .toList(),
        unloaded);
  }

  private static boolean isWhole(GuestPatch patch) {
    boolean whole = patch.state() == PatchState.APPLIED || patch.state() == PatchState.ORPHANED;
    return whole && patch.isInUse();
  }

  private static Optional<GuestPatch> find(List<GuestPatch> all, String wanted) {
    return all.stream().filter(patch -> patch.isCalled(wanted)).findFirst();
  }

  private static Optional<String> nameInBundle(String file) {
    try {
      Path path = Path.of(file);
      return Files.isRegularFile(path)
          ? Optional.of(Bundle.read(path).manifest().description().name())
          : Optional.empty();
    } catch (InvalidPathException e) {
      return Optional.empty();
    }
  }
}
