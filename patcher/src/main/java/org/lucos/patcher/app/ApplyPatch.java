package org.lucos.patcher.app;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.lucos.patcher.guestcall.CallUnfinishedException;
import org.lucos.patcher.kernel.LoadedModule;
import org.lucos.patcher.kernel.RunningKernel;
import org.lucos.patcher.link.LoadedImage;
import org.lucos.patcher.refusal.RefusedException;
import org.lucos.patcher.refusal.StateRefusal;
import org.lucos.patcher.transaction.GuestPatch;
import org.lucos.patcher.transaction.PatchSwitch;
import org.lucos.patcher.transaction.SwitchOutcome;

/** Applies a patch to a running guest: all of it, or nothing. */
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
   * @param bundle the file
   * @param timeout how long to try while functions are in use, and how long a guest call may wait
   * @param maxPause the longest stack check after which anything is written
   * @param dryRun stop before anything is written
   * @param callbackLimit how long each callback of the patch may run
   * @param allowUnsigned take a bundle that nobody trusted has signed
   * @param mayWait if a module that it changes is not loaded, let it wait; else refuse
   * @param waitMigration how long to wait for a migration of the guest to end before it is refused
   */
  public record Request(
      String guest,
      Path bundle,
      Duration timeout,
      Duration maxPause,
      boolean dryRun,
      Duration callbackLimit,
      boolean allowUnsigned,
      boolean mayWait,
      Duration waitMigration) {
    /** Refused while the guest is migrated. */
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
          bundle,
          timeout,
          maxPause,
          dryRun,
          callbackLimit,
          allowUnsigned,
          mayWait,
          Duration.ZERO);
    }

    /** With the usual limit for callbacks, of a trusted bundle, now or not at all. */
    public Request(String guest, Path bundle, Duration timeout, Duration maxPause, boolean dryRun) {
      this(guest, bundle, timeout, maxPause, dryRun, Settings.CALLBACK_LIMIT, false, false);
    }
  }

  /**
   * What was done.
   *
   * @param state {@code applied}, {@code planned} (a dry run) or {@code waiting}
   * @param waitsFor the modules that it waits for
   */
  public record Outcome(
      String state,
      List<String> waitsFor,
      boolean dryRun,
      Report.Guest guest,
      String patch,
      String module,
      List<Report.Function> functions,
      List<String> warnings,
      Report.Signature signature,
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
      functions = List.copyOf(functions);
      warnings = List.copyOf(warnings);
      phases = List.copyOf(phases);
    }
  }

  /** Applies the patch, or refuses and leaves the guest as it was. */
  public Outcome run(Request request, Progress progress) {
    Phases phases = new Phases(progress);
    phases.begin("read bundle");
    CheckedBundle bundle = CheckedBundle.read(request.bundle(), settings, request.allowUnsigned());
    phases.begin("attach");
    try (GuestSession session =
        request.dryRun()
            ? GuestSession.reading(settings, request.guest())
            : GuestSession.writing(settings, request.guest(), request.waitMigration())) {
      return applied(request, session, bundle, phases);
    }
  }

  private Outcome applied(
      Request request, GuestSession session, CheckedBundle bundle, Phases phases) {
    try {
      PreparedPatch prepared;
      try {
        prepared =
            PreparedPatch.prepare(
                session.kernel(),
                request.bundle(),
                bundle,
                phases,
                leftover -> takeOut(request, session.kernel(), leftover, phases));
      } catch (RefusedException e) {
        if (request.mayWait() && e.refusal() instanceof StateRefusal.ModuleNotLoaded absent) {
          return new WaitingApply(settings).begin(request, session, bundle, absent, phases);
        }
        throw e;
      }
      if (request.dryRun()) {
        return outcome(request, session, prepared, null, phases.end(), "");
      }
      try (OperationLog log = OperationLog.open(settings, session.domain().identity(), "apply")) {
        log.write(
            "planned",
            Map.of(
                "patch", prepared.description().name(),
                "module", prepared.moduleName(),
                "release", session.kernel().identity().release(),
                "signature", bundle.signature(),
                "warnings", prepared.warnings(),
                "functions", PlanPatch.functions(prepared)));
        SwitchOutcome switched = change(request, session.kernel(), prepared, phases, log);
        new WaitingPatches(settings, session.domain().identity().uuid())
            .remove(prepared.moduleName());
        List<Report.Phase> timings = phases.end();
        log.write(
            "done",
            Map.of(
                "attempts", switched.attempts(),
                "pauseMilliseconds", Report.millis(switched.pause()),
                "phases", timings,
                "pauses", Report.Pauses.of(session.domain().pauses())));
        return outcome(request, session, prepared, switched, timings, log.file().toString());
      }
    } catch (RuntimeException e) {
      throw session.explain(e);
    }
  }

  private SwitchOutcome change(
      Request request,
      RunningKernel kernel,
      PreparedPatch prepared,
      Phases phases,
      OperationLog log) {
    String module = prepared.moduleName();
    PatchSwitch patchSwitch = new PatchSwitch(kernel, request.maxPause(), request.callbackLimit());
    boolean callbacks = !prepared.linked().variant().callbacks().isEmpty();
    byte[] image = prepared.image(kernel, settings.clock().instant());
    phases.begin("load module");
    log.write("load", Map.of("module", module, "bytes", image.length));
    LoadedModule loaded = patchSwitch.load(module, image, request.timeout());
    GuestPatch patch;
    SwitchOutcome switched;
    try {
      phases.begin("check loaded text");
      LoadedImage.check(prepared.linked(), image, loaded, kernel);
      patch =
          GuestPatch.find(kernel, module)
              .orElseThrow(() -> new IllegalStateException("no ledger in module " + module));
      if (callbacks) {
        phases.begin("pre_patch");
        log.write("pre_patch", Map.of());
        patchSwitch.callbacks(request.timeout()).prePatch(patch);
      }
      phases.begin("switch");
      log.write("switch", Map.of("sites", patch.sites().size()));
      switched = patchSwitch.apply(patch, request.timeout());
    } catch (RuntimeException caught) {
      RuntimeException failure = GuestFate.explain(kernel, caught);
      if (caught.getCause() instanceof CallUnfinishedException || GuestFate.isOutOfReach(failure)) {
        log.write("left", Map.of("reason", Failures.describe(failure)));
        throw failure; // its code is being run, or there is nobody to take it out
      }
      phases.begin("take module out");
      log.write("undo", Map.of("reason", Failures.describe(failure)));
      try {
        patchSwitch.unloadUnlessRetained(module, request.timeout());
      } catch (RuntimeException e) {
        failure.addSuppressed(e);
      }
      throw failure;
    }
    if (callbacks) {
      phases.begin("post_patch");
      log.write("post_patch", Map.of());
      patchSwitch.callbacks(request.timeout()).postPatch(patch);
    }
    return switched;
  }

  /** What an interrupted apply left behind makes room for this one. */
  private static void takeOut(
      Request request, RunningKernel kernel, GuestPatch leftover, Phases phases) {
    if (request.dryRun()) {
      throw PreparedPatch.applied(leftover);
    }
    phases.begin("take out what was left behind");
    new PatchSwitch(kernel, request.maxPause(), request.callbackLimit())
        .unload(leftover.module().name(), request.timeout());
    phases.begin("link");
  }

  private static Outcome outcome(
      Request request,
      GuestSession session,
      PreparedPatch prepared,
      @org.jspecify.annotations.Nullable SwitchOutcome switched,
      List<Report.Phase> phases,
      String log) {
    return new Outcome(
        request.dryRun() ? "planned" : "applied",
        List.of(),
        request.dryRun(),
        session.describe(),
        prepared.description().name(),
        prepared.moduleName(),
        PlanPatch.functions(prepared),
        prepared.warnings(),
        prepared.bundle().signature(),
        switched == null ? 0 : switched.attempts(),
        switched == null ? 0 : Report.millis(switched.pause()),
        switched == null ? 0 : Report.millis(switched.check()),
        switched == null ? 0 : Report.millis(switched.write()),
        Report.Pauses.of(session.domain().pauses()),
        phases,
        log);
  }
}
