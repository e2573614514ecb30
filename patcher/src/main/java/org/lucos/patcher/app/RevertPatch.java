package org.lucos.patcher.app;

import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.lucos.patcher.build.Bundle;
import org.lucos.patcher.refusal.RefusedException;
import org.lucos.patcher.refusal.StateRefusal;
import org.lucos.patcher.transaction.GuestPatch;
import org.lucos.patcher.transaction.PatchCallbacks;
import org.lucos.patcher.transaction.PatchState;
import org.lucos.patcher.transaction.PatchSwitch;
import org.lucos.patcher.transaction.SwitchOutcome;

/**
 * Takes a patch out of a guest: the functions first, then the memory. One that waits for a module
 * no longer does.
 */
public final class RevertPatch {
  private final Settings settings;

  /** Works with these settings. */
  public RevertPatch(Settings settings) {
    this.settings = settings;
  }

  /**
   * What to revert.
   *
   * @param guest name, UUID or id
   * @param patch name of a patch or of its module, or a bundle file
   * @param timeout how long to try while the replacement functions are in use
   * @param maxPause the longest stack check after which anything is written
   * @param callbackLimit how long each callback of the patch may run
   * @param waitMigration how long to wait for a migration of the guest to end before it is refused
   */
  public record Request(
      String guest,
      String patch,
      Duration timeout,
      Duration maxPause,
      Duration callbackLimit,
      Duration waitMigration) {
    /** Refused while the guest is migrated. */
    public Request(
        String guest, String patch, Duration timeout, Duration maxPause, Duration callbackLimit) {
      this(guest, patch, timeout, maxPause, callbackLimit, Duration.ZERO);
    }

    /** With the usual limit for callbacks. */
    public Request(String guest, String patch, Duration timeout, Duration maxPause) {
      this(guest, patch, timeout, maxPause, Settings.CALLBACK_LIMIT);
    }
  }

  /**
   * What was done.
   *
   * @param state {@code reverted}, or {@code cancelled} for a patch that only waited
   * @param unloaded whether the module is gone; if not, the kernel may hold on to addresses in it
   */
  public record Outcome(
      String state,
      Report.Guest guest,
      String patch,
      String module,
      List<ShowStatus.Function> functions,
      boolean unloaded,
      int attempts,
      double pauseMilliseconds,
      Report.Pauses pauses,
      List<Report.Phase> phases,
      String log) {
    /** Copies the lists. */
    public Outcome {
      functions = List.copyOf(functions);
      phases = List.copyOf(phases);
    }
  }

  /** Reverts the patch, or refuses and leaves it as it was. */
  public Outcome run(Request request, Progress progress) {
    Phases phases = new Phases(progress);
    phases.begin("attach");
    try (GuestSession session =
        GuestSession.writing(settings, request.guest(), request.waitMigration())) {
      return reverted(request, session, phases);
    }
  }

  private Outcome reverted(Request request, GuestSession session, Phases phases) {
    try (OperationLog log = OperationLog.open(settings, session.domain().identity(), "revert")) {
      Optional<GuestPatch> found = find(session, request.patch());
      WaitingPatches waiting = new WaitingPatches(settings, session.domain().identity().uuid());
      if (found.isEmpty()) {
        return cancel(request, session, waiting, phases, log);
      }
      GuestPatch patch = found.get();
      waiting.remove(patch.module().name());
      PatchSwitch patchSwitch =
          new PatchSwitch(session.kernel(), request.maxPause(), request.callbackLimit());
      PatchCallbacks callbacks = patchSwitch.callbacks(request.timeout());
      boolean announced = !patch.ledger().callbacks().isEmpty() && isInUse(patch);
      if (announced) {
        phases.begin("pre_unpatch");
        log.write("pre_unpatch", Map.of("patch", patch.ledger().patch()));
        callbacks.preUnpatch(patch);
      }
      phases.begin("restore functions");
      log.write(
          "restore", Map.of("patch", patch.ledger().patch(), "module", patch.module().name()));
      Optional<SwitchOutcome> switched;
      try {
        switched = patchSwitch.revert(patch, request.timeout());
      } catch (RuntimeException failure) {
        if (announced) {
          stayPatched(callbacks, patch, failure);
        }
        throw failure;
      }
      phases.begin("unload module");
      log.write("unload", Map.of("module", patch.module().name()));
      boolean unloaded = patchSwitch.unloadUnlessRetained(patch.module().name(), request.timeout());
      List<Report.Phase> timings = phases.end();
      Report.Pauses pauses = Report.Pauses.of(session.domain().pauses());
      log.write("done", Map.of("phases", timings, "pauses", pauses));
      return new Outcome(
          "reverted",
          session.describe(),
          patch.ledger().patch(),
          patch.module().name(),
          patch.sites().stream()
              .map(
                  s ->
                      new ShowStatus.Function(
                          s.target().function(), s.redirect().at().toString(), "original"))
              .toList(),
          unloaded,
          switched.map(SwitchOutcome::attempts).orElse(0),
          switched.map(s -> Report.millis(s.pause())).orElse(0.0),
          pauses,
          timings,
          log.file().toString());
    } catch (RuntimeException e) {
      throw session.explain(e);
    }
  }

  private static Outcome cancel(
      Request request,
      GuestSession session,
      WaitingPatches waiting,
      Phases phases,
      OperationLog log) {
    WaitingPatches.Waiting patch =
        waiting
            .find(request.patch())
            .or(() -> nameInBundle(request.patch()).flatMap(waiting::find))
            .orElseThrow(() -> new RefusedException(new StateRefusal.NotApplied(request.patch())));
    waiting.remove(patch.module());
    log.write("cancelled", Map.of("patch", patch.patch(), "module", patch.module()));
    return new Outcome(
        "cancelled",
        session.describe(),
        patch.patch(),
        patch.module(),
        List.of(),
        true,
        0,
        0,
        Report.Pauses.of(session.domain().pauses()),
        phases.end(),
        log.file().toString());
  }

  private static boolean isInUse(GuestPatch patch) {
    boolean whole = patch.state() == PatchState.APPLIED || patch.state() == PatchState.ORPHANED;
    return whole
        && patch.sites().stream().anyMatch(site -> site.state() == GuestPatch.SiteState.REDIRECTED);
  }

  private static void stayPatched(
      PatchCallbacks callbacks, GuestPatch patch, RuntimeException failure) {
    try {
      callbacks.stayPatched(patch);
    } catch (RuntimeException e) {
      failure.addSuppressed(e);
    }
  }

  private static Optional<GuestPatch> find(GuestSession session, String wanted) {
    return GuestPatch.find(session.kernel(), wanted)
        .or(() -> nameInBundle(wanted).flatMap(name -> GuestPatch.find(session.kernel(), name)));
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
