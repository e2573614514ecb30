package org.lucos.patcher.app;

import com.fasterxml.jackson.annotation.JsonUnwrapped;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.lucos.patcher.health.HealthBaseline;
import org.lucos.patcher.health.HealthVerdict;
import org.lucos.patcher.health.HealthWatch;
import org.lucos.patcher.health.PatchedCode;
import org.lucos.patcher.health.Symptom;
import org.lucos.patcher.refusal.ExitCode;
import org.lucos.patcher.refusal.GuestRefusal;
import org.lucos.patcher.refusal.HealthRefusal;
import org.lucos.patcher.refusal.RefusedException;
import org.lucos.patcher.refusal.StateRefusal;

/**
 * Applies patches and watches the guest for a while, from outside and without a pause, and from
 * inside with the probes of their bundles, if an agent is there to run them. A guest that is not
 * well since gets its patches taken out again, through the usual transaction.
 *
 * <p>While it is watched the guest is not locked: others may work on it, and a controller that dies
 * leaves the patches applied and nobody watching.
 */
public final class SoakedApply {
  /** For how long a task must sleep in patched code to be called stuck, unless told otherwise. */
  public static final Duration STUCK_AFTER = Duration.ofSeconds(10);

  private static final Duration INTERVAL = Duration.ofMillis(200);

  /** What the log has begun to tell of is told to its end within this. */
  private static final Duration SETTLING = Duration.ofMillis(300);

  private static final int MOST_SYMPTOMS = 20;

  private final Settings settings;

  /** Works with these settings. */
  public SoakedApply(Settings settings) {
    this.settings = settings;
  }

  /**
   * How long, and what then.
   *
   * @param time how long the guest is watched; not at all if zero
   * @param stuckAfter for how long a task must sleep uninterruptibly in patched code to be stuck
   * @param autoRevert whether patches are taken out if the guest is not well; else it is only said
   * @param probing what becomes of the bundles' probes
   */
  public record Soak(Duration time, Duration stuckAfter, boolean autoRevert, Probing probing) {
    /** None. */
    public static final Soak NONE = new Soak(Duration.ZERO, STUCK_AFTER, true);

    /** With the probes that can be run. */
    public Soak(Duration time, Duration stuckAfter, boolean autoRevert) {
      this(time, stuckAfter, autoRevert, Probing.IF_POSSIBLE);
    }
  }

  /** What becomes of the bundles' probes. */
  public enum Probing {
    /** Those are run that can be; what is not run is said. */
    IF_POSSIBLE,
    /** Nothing is applied unless those for before can be run. */
    REQUIRED,
    /** None is run. */
    NONE
  }

  /**
   * What was done.
   *
   * @param applied the apply itself
   * @param health how the guest was afterwards; empty if it was not watched
   * @param probes what came of the probes; empty if there are none
   */
  public record Outcome(
      @JsonUnwrapped ApplyPatch.Outcome applied,
      Optional<Health> health,
      Optional<ProbeReport> probes) {
    /** What the shell is told. */
    public ExitCode exitCode() {
      if (applied.state().equals("waiting")) {
        return ExitCode.WAITING;
      }
      boolean failed = probes.isPresent() && probes.get().state().equals("failed");
      boolean ill = health.isPresent() && !health.get().healthy();
      return failed || ill ? ExitCode.UNHEALTHY : ExitCode.OK;
    }
  }

  /**
   * How a guest was while it was watched.
   *
   * @param healthy whether nothing spoke against the patches
   * @param watchedMilliseconds for how long
   * @param looks how often it was looked at
   * @param symptoms what was seen, whether or not it speaks against the patches
   * @param notes what could not be seen
   */
  public record Health(
      boolean healthy,
      double watchedMilliseconds,
      int looks,
      List<HealthRefusal.Evidence> symptoms,
      List<String> notes) {
    /** Copies the lists. */
    public Health {
      symptoms = List.copyOf(symptoms);
      notes = List.copyOf(notes);
    }

    static Health of(HealthVerdict verdict) {
      return new Health(
          verdict.isHealthy(),
          Report.millis(verdict.watched()),
          verdict.looks(),
          evidence(verdict),
          verdict.notes());
    }
  }

  /**
   * Applies the patches and watches.
   *
   * @throws RefusedException with {@link HealthRefusal} if the guest was not well and the patches
   *     were, or should have been, reverted; and with whatever an apply is refused for
   */
  public Outcome run(ApplyPatch.Request request, Soak soak, Progress progress) {
    List<ProbeReport.Planned> planned = planned(request);
    boolean probing = !planned.isEmpty() && soak.probing() != Probing.NONE;
    Optional<ProbeReport> idle =
        Optional.of(
                request.dryRun() && probing
                    ? PatchProbes.idle(planned, "planned", "nothing of it was run")
                    : PatchProbes.idle(planned, "skipped", "no probe was run: --no-probes"))
            .filter(report -> !planned.isEmpty());
    if (request.dryRun() || (soak.time().isZero() && !probing)) {
      return new Outcome(new ApplyPatch(settings).run(request, progress), Optional.empty(), idle);
    }
    PatchProbes probes =
        new PatchProbes(
            probing ? planned : List.of(),
            request.limits().agent()
                ? PatchProbes.Agent.of(settings, request.guest())
                : PatchProbes.Agent.none());
    if (probing) {
      progress.phase("probe the guest");
      AuditedOperation.run(
          settings,
          "probe",
          request.guest(),
          request.bundles(),
          audit -> before(request, soak, probes, audit));
    }
    HealthBaseline baseline;
    try (GuestSession session = GuestSession.reading(settings, request.guest())) {
      baseline = HealthBaseline.of(session.kernel());
    }
    ApplyPatch.Outcome applied = new ApplyPatch(settings).run(request, progress);
    if (!applied.state().equals("applied")) {
      probes.note("the probes for afterwards were not run: the patch waits");
      return new Outcome(applied, Optional.empty(), probing ? Optional.of(probes.report()) : idle);
    }
    long since = System.nanoTime();
    return AuditedOperation.run(
        settings,
        "soak",
        request.guest(),
        List.of(),
        audit ->
            new Run(request, soak, applied, since, progress, audit)
                .watch(baseline, probes, () -> probing ? Optional.of(probes.report()) : idle));
  }

  /** What a bundle is refused for is recorded by the apply itself. */
  private List<ProbeReport.Planned> planned(ApplyPatch.Request request) {
    try {
      return PatchProbes.of(BundleOrder.read(request, settings));
    } catch (RefusedException e) {
      return List.of();
    }
  }

  private static ProbeReport before(
      ApplyPatch.Request request, Soak soak, PatchProbes probes, AuditedOperation audit) {
    probes.before();
    ProbeReport report = probes.report();
    audit.fact("probes", report);
    Optional<ProbeReport.Result> notRun = probes.notRun();
    if (soak.probing() == Probing.REQUIRED && notRun.isPresent()) {
      throw new RefusedException(
          new GuestRefusal.ProbeNotRun(request.guest(), notRun.get().toString()));
    }
    Optional<ProbeReport.Result> unmet = probes.unmet();
    if (unmet.isPresent()) {
      throw new RefusedException(
          new StateRefusal.RequiredProbeFailed(unmet.get().patch(), unmet.get().toString()));
    }
    audit.done("probed", ExitCode.OK);
    return report;
  }

  /** What a watch ended with, and when. */
  private record Seen(HealthVerdict verdict, double afterMilliseconds) {}

  private final class Run {
    private final ApplyPatch.Request request;
    private final Soak soak;
    private final ApplyPatch.Outcome applied;
    private final long since;
    private final Progress progress;
    private final AuditedOperation audit;

    Run(
        ApplyPatch.Request request,
        Soak soak,
        ApplyPatch.Outcome applied,
        long since,
        Progress progress,
        AuditedOperation audit) {
      this.request = request;
      this.soak = soak;
      this.applied = applied;
      this.since = since;
      this.progress = progress;
      this.audit = audit;
    }

    Outcome watch(
        HealthBaseline baseline, PatchProbes probes, Supplier<Optional<ProbeReport>> report) {
      progress.phase("watch the guest's health");
      Seen seen;
      try {
        seen = look(baseline, probes);
      } catch (RuntimeException e) {
        throw new RefusedException(new HealthRefusal.Unwatched(patches(), Failures.describe(e)), e);
      }
      HealthVerdict verdict = seen.verdict();
      Health health = Health.of(verdict);
      Optional<ProbeReport> probed = report.get();
      audit.fact("health", health);
      probed.ifPresent(each -> audit.fact("probes", each));
      applied.patches().forEach(p -> audit.patch(p.patch(), p.module(), applied.state()));
      List<HealthRefusal.Evidence> symptoms = new ArrayList<>(evidence(verdict));
      probes.failure().ifPresent(failed -> symptoms.add(failed.evidence()));
      Optional<String> reason =
          verdict
              .reason()
              .map(Symptom::toString)
              .or(() -> probes.failure().map(ProbeReport.Result::toString));
      if (reason.isPresent() && soak.autoRevert()) {
        throw revert(symptoms, reason.get(), seen.afterMilliseconds());
      }
      Outcome outcome = new Outcome(applied, Optional.of(health), probed);
      audit.done(reason.isEmpty() ? "healthy" : "unhealthy", outcome.exitCode());
      return outcome;
    }

    /** Looks until something speaks against the patches, or the time is over. */
    private Seen look(HealthBaseline baseline, PatchProbes probes) {
      try (GuestSession session = GuestSession.reading(settings, request.guest());
          ProbeWatch rounds = new ProbeWatch(probes)) {
        audit.in(session);
        HealthWatch watch =
            new HealthWatch(
                session.kernel(), baseline, code(), soak.stuckAfter(), System::nanoTime);
        HealthVerdict verdict = watch.look();
        while (verdict.isHealthy()
            && probes.failure().isEmpty()
            && goesOn(verdict.watched(), rounds)) {
          sleep(INTERVAL);
          verdict = watch.look();
        }
        double after = Report.millis(elapsed());
        if (!verdict.isHealthy()) {
          sleep(SETTLING);
          verdict = watch.look();
        }
        return new Seen(verdict, after);
      }
    }

    /** A round of probes that is under way is waited for, within the probes' own limits. */
    private boolean goesOn(Duration watched, ProbeWatch rounds) {
      if (watched.compareTo(soak.time()) < 0) {
        return true;
      }
      rounds.finish();
      return rounds.isBusy();
    }

    private RefusedException revert(
        List<HealthRefusal.Evidence> symptoms, String reason, double seenAfter) {
      List<String> modules = applied.patches().stream().map(ApplyPatch.Applied::module).toList();
      try {
        RevertPatch.Outcome reverted =
            new RevertPatch(settings)
                .run(
                    new RevertPatch.Request(request.guest(), modules, request.limits(), true),
                    progress);
        double after = Report.millis(elapsed());
        audit.fact("seenAfterMilliseconds", seenAfter);
        audit.fact("revertedAfterMilliseconds", after);
        return new RefusedException(
            new HealthRefusal.UnhealthyReverted(
                patches(),
                reason,
                symptoms,
                seenAfter,
                after,
                reverted.inside(),
                applied.replaced()));
      } catch (RuntimeException e) {
        return new RefusedException(
            new HealthRefusal.UnhealthyNotReverted(
                patches(), reason, symptoms, Failures.describe(e)),
            e);
      }
    }

    private List<String> patches() {
      return applied.patches().stream().map(ApplyPatch.Applied::patch).toList();
    }

    private PatchedCode code() {
      Set<String> modules =
          applied.patches().stream().map(ApplyPatch.Applied::module).collect(Collectors.toSet());
      Set<String> functions =
          applied.patches().stream()
              .flatMap(patch -> patch.functions().stream())
              .map(Report.Function::name)
              .collect(Collectors.toSet());
      return new PatchedCode(modules, functions);
    }

    private Duration elapsed() {
      return Duration.ofNanos(System.nanoTime() - since);
    }
  }

  private static List<HealthRefusal.Evidence> evidence(HealthVerdict verdict) {
    return verdict.symptoms().stream()
        .limit(MOST_SYMPTOMS)
        .map(
            s ->
                new HealthRefusal.Evidence(
                    s.kind(),
                    s.text(),
                    s.function(),
                    s.where(),
                    s.against(),
                    s.guestTime(),
                    s.seq(),
                    s.evidence()))
        .toList();
  }

  private static void sleep(Duration duration) {
    try {
      Thread.sleep(duration.toMillis());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while the guest was watched", e);
    }
  }
}
