package org.lucos.patcher.app;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.lucos.patcher.kernel.RunningKernel;
import org.lucos.patcher.refusal.ExitCode;
import org.lucos.patcher.refusal.RefusedException;
import org.lucos.patcher.refusal.StateRefusal;
import org.lucos.patcher.refusal.Straggler;
import org.lucos.patcher.transaction.Dependencies;
import org.lucos.patcher.transaction.Drain;
import org.lucos.patcher.transaction.GuestPatch;
import org.lucos.patcher.transaction.Journal;
import org.lucos.patcher.transaction.PatchState;
import org.lucos.patcher.transaction.SwitchGround;
import org.lucos.patcher.transaction.SwitchOutcome;

/**
 * Applies patches to a running guest, perhaps in the place of others: all of it, or nothing. All
 * functions of all of them change in one pause.
 */
public final class ApplyPatch {
  private final Settings settings;

  /** Works with these settings. */
  public ApplyPatch(Settings settings) {
    this.settings = settings;
  }

  /**
   * What to apply.
   *
   * @param guest name, UUID or id
   * @param bundles the files, a patch each; one that is to lie on another behind that
   * @param replace patches to take out in the same pause, by name; all if the list is empty; none
   *     if there is no list
   * @param limits how long it may take
   * @param dryRun stop before anything is written
   * @param allowUnsigned take a bundle that nobody trusted has signed
   * @param mayWait if a module that it changes is not loaded, let it wait; else refuse. Several
   *     patches, and those that replace others, never wait
   * @param immediate whether tasks may stay inside the old code; those that leave it run the new
   */
  public record Request(
      String guest,
      List<Path> bundles,
      Optional<List<String>> replace,
      SwitchLimits limits,
      boolean dryRun,
      boolean allowUnsigned,
      boolean mayWait,
      boolean immediate) {
    /** Copies the lists. */
    public Request {
      bundles = List.copyOf(bundles);
      replace = replace.map(List::copyOf);
      if (bundles.isEmpty()) {
        throw new IllegalArgumentException("no bundle");
      }
    }

    /** One patch. */
    public Request(
        String guest,
        Path bundle,
        Duration timeout,
        Duration maxPause,
        boolean dryRun,
        Duration callbackLimit,
        boolean allowUnsigned,
        boolean mayWait) {
      this(
          guest,
          List.of(bundle),
          Optional.empty(),
          new SwitchLimits(timeout, maxPause).withCallbackLimit(callbackLimit),
          dryRun,
          allowUnsigned,
          mayWait,
          false);
    }

    /** One trusted patch with the usual limit for callbacks, now or not at all. */
    public Request(String guest, Path bundle, Duration timeout, Duration maxPause, boolean dryRun) {
      this(guest, bundle, timeout, maxPause, dryRun, Settings.CALLBACK_LIMIT, false, false);
    }

    boolean mayWaitForModules() {
      return mayWait && bundles.size() == 1 && replace.isEmpty() && !immediate;
    }
  }

  /**
   * What was done.
   *
   * @param state {@code applied}, {@code planned} (a dry run) or {@code waiting}
   * @param waitsFor the modules that it waits for
   * @param patches those of the bundles, in the order they were applied in
   * @param replaced names of patches that were taken out
   * @param draining tasks that were seen inside the old code afterwards
   */
  public record Outcome(
      String state,
      List<String> waitsFor,
      boolean dryRun,
      Report.Guest guest,
      List<Applied> patches,
      List<String> replaced,
      List<Straggler> draining,
      int attempts,
      double pauseMilliseconds,
      double checkMilliseconds,
      double writeMilliseconds,
      Report.Pauses pauses,
      List<Report.Phase> phases,
      String log) {
    /** Copies the lists. */
    public Outcome {
      waitsFor = List.copyOf(waitsFor);
      patches = List.copyOf(patches);
      replaced = List.copyOf(replaced);
      draining = List.copyOf(draining);
      phases = List.copyOf(phases);
    }
  }

  /** One patch of an operation. */
  public record Applied(
      String patch,
      String module,
      List<Report.Function> functions,
      List<String> warnings,
      Report.Signature signature) {
    /** Copies the lists. */
    public Applied {
      functions = List.copyOf(functions);
      warnings = List.copyOf(warnings);
    }

    static Applied of(PreparedPatch prepared) {
      return new Applied(
          prepared.description().name(),
          prepared.moduleName(),
          PlanPatch.functions(prepared),
          prepared.warnings(),
          prepared.bundle().signature());
    }
  }

  /** Applies the patches, or refuses and leaves the guest as it was. */
  public Outcome run(Request request, Progress progress) {
    return run("apply", request, progress);
  }

  /** The same as a part of another operation, whose name it is recorded under. */
  Outcome run(String name, Request request, Progress progress) {
    return request.dryRun()
        ? run(request, progress, AuditedOperation.ofNoRecord())
        : AuditedOperation.run(
            settings,
            name,
            request.guest(),
            request.bundles(),
            audit -> run(request, progress, audit));
  }

  private Outcome run(Request request, Progress progress, AuditedOperation audit) {
    Phases phases = new Phases(progress);
    phases.begin("read bundle");
    List<CheckedBundle> bundles = BundleOrder.read(request, settings);
    bundles.forEach(audit::patch);
    phases.begin("attach");
    try (GuestSession session =
        request.dryRun()
            ? GuestSession.reading(settings, request.guest())
            : GuestSession.writing(settings, request.guest(), request.limits())) {
      Outcome outcome = applied(request, audit.in(session), bundles, phases, audit);
      outcome.patches().forEach(p -> audit.patch(p.patch(), p.module(), outcome.state()));
      outcome.replaced().forEach(patch -> audit.patch(patch, "", "replaced"));
      audit.done(outcome.state(), outcome.waitsFor().isEmpty() ? ExitCode.OK : ExitCode.WAITING);
      return outcome;
    }
  }

  private Outcome applied(
      Request request,
      GuestSession session,
      List<CheckedBundle> bundles,
      Phases phases,
      AuditedOperation audit) {
    try {
      RunningKernel kernel = session.kernel();
      if (!request.dryRun()) {
        RecoverGuest.end(settings, session, request.limits(), phases, List.of())
            .ifPresent(ended -> audit.fact("recovered", ended.finding()));
        Leftovers.takeOut(settings, session, bundles, request.limits(), phases);
      }
      List<GuestPatch> leaving = leaving(request, bundles, GuestPatch.all(kernel));
      Set<String> modules =
          leaving.stream().map(patch -> patch.module().name()).collect(Collectors.toSet());
      List<PreparedPatch> prepared = new ArrayList<>();
      SwitchGround ground = SwitchGround.of(GuestPatch.all(kernel), modules);
      for (CheckedBundle bundle : bundles) {
        try {
          prepared.add(PreparedPatch.prepare(kernel, bundle, phases, ground, modules));
        } catch (RefusedException e) {
          if (request.mayWaitForModules()
              && e.refusal() instanceof StateRefusal.ModuleNotLoaded absent) {
            return new WaitingApply(settings).begin(request, session, bundle, absent, phases);
          }
          throw e;
        }
      }
      if (request.immediate()) {
        prepared.forEach(PreparedPatch::requireImmediateSafe);
      }
      if (request.dryRun()) {
        return outcome(request, session, prepared, leaving, null, phases.end(), "");
      }
      try (OperationLog log = OperationLog.open(settings, session.domain().identity(), "apply")) {
        planned(session, prepared, leaving, log);
        SwitchOutcome switched = change(request, session, prepared, leaving, phases, log);
        audit.switched(switched);
        WaitingPatches waiting = new WaitingPatches(settings, session.domain().identity().uuid());
        List<Report.Phase> timings = phases.end();
        log.end(
            "applied",
            Map.of(
                "attempts", switched.attempts(),
                "pauseMilliseconds", Report.millis(switched.pause()),
                "phases", timings,
                "pauses", Report.Pauses.of(session.domain().pauses())),
            () -> prepared.forEach(patch -> waiting.remove(patch.moduleName())));
        return outcome(
            request, session, prepared, leaving, switched, timings, log.file().toString());
      }
    } catch (RuntimeException e) {
      throw session.explain(e);
    }
  }

  private static void planned(
      GuestSession session,
      List<PreparedPatch> prepared,
      List<GuestPatch> leaving,
      OperationLog log) {
    for (PreparedPatch patch : prepared) {
      Map<String, Object> facts = new LinkedHashMap<>();
      facts.put("patch", patch.description().name());
      facts.put("module", patch.moduleName());
      facts.put("release", session.kernel().identity().release());
      facts.put("signature", patch.bundle().signature());
      facts.put("warnings", patch.warnings());
      facts.put("functions", PlanPatch.functions(patch));
      facts.put("replaces", leaving.stream().map(each -> each.ledger().patch()).toList());
      log.write("planned", facts);
    }
  }

  private SwitchOutcome change(
      Request request,
      GuestSession session,
      List<PreparedPatch> prepared,
      List<GuestPatch> leaving,
      Phases phases,
      OperationLog log) {
    List<Journal.Entry> coming =
        prepared.stream()
            .map(
                patch ->
                    new Journal.Entry(
                        patch.description().name(),
                        patch.moduleName(),
                        patch.bundle().digest(),
                        patch.plan().functions().size()))
            .toList();
    try (Operation operation =
        Operation.begin(
            settings,
            session,
            phases,
            log,
            leaving.stream().map(Operation::leaving).toList(),
            coming)) {
      return new ApplySteps(settings, session, request.limits(), request.immediate(), operation)
          .run(prepared, leaving);
    }
  }

  /** The patches that are to be replaced, each before those that it lies on. */
  private static List<GuestPatch> leaving(
      Request request, List<CheckedBundle> bundles, List<GuestPatch> all) {
    List<GuestPatch> leaving = new ArrayList<>();
    if (request.replace().isPresent()) {
      List<String> names = request.replace().get();
      all.stream()
          .filter(GuestPatch::isInUse)
          .filter(patch -> names.isEmpty() || names.stream().anyMatch(patch::isCalled))
          .forEach(leaving::add);
      for (String name : names) {
        if (leaving.stream().noneMatch(patch -> patch.isCalled(name))) {
          throw new RefusedException(new StateRefusal.NotApplied(name));
        }
      }
    }
    Set<String> coming = bundles.stream().map(CheckedBundle::name).collect(Collectors.toSet());
    Dependencies.requireFree(leaving, all, coming);
    Set<String> present = new HashSet<>(coming);
    all.stream()
        .filter(patch -> patch.state() == PatchState.APPLIED && !leaving.contains(patch))
        .forEach(patch -> present.add(patch.ledger().patch()));
    for (CheckedBundle bundle : bundles) {
      Dependencies.requirePresent(bundle.name(), bundle.requires(), present);
    }
    return Dependencies.topFirst(leaving);
  }

  private static List<Straggler> draining(GuestSession session, List<PreparedPatch> prepared) {
    Set<String> modules =
        prepared.stream().map(PreparedPatch::moduleName).collect(Collectors.toSet());
    return GuestPatch.all(session.kernel()).stream()
        .filter(patch -> modules.contains(patch.module().name()))
        .flatMap(patch -> Drain.of(session.kernel(), patch).inside().stream())
        .toList();
  }

  private static Outcome outcome(
      Request request,
      GuestSession session,
      List<PreparedPatch> prepared,
      List<GuestPatch> leaving,
      @Nullable SwitchOutcome switched,
      List<Report.Phase> phases,
      String log) {
    return new Outcome(
        request.dryRun() ? "planned" : "applied",
        List.of(),
        request.dryRun(),
        session.describe(),
        prepared.stream().map(Applied::of).toList(),
        leaving.stream().map(patch -> patch.ledger().patch()).toList(),
        request.immediate() && !request.dryRun() ? draining(session, prepared) : List.of(),
        switched == null ? 0 : switched.attempts(),
        switched == null ? 0 : Report.millis(switched.pause()),
        switched == null ? 0 : Report.millis(switched.check()),
        switched == null ? 0 : Report.millis(switched.write()),
        Report.Pauses.of(session.domain().pauses()),
        phases,
        log);
  }
}
