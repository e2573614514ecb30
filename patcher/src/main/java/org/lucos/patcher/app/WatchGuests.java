package org.lucos.patcher.app;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.lucos.patcher.health.HealthBaseline;
import org.lucos.patcher.health.HealthVerdict;
import org.lucos.patcher.health.HealthWatch;
import org.lucos.patcher.health.PatchedCode;
import org.lucos.patcher.health.Symptom;
import org.lucos.patcher.kernel.RunningKernel;
import org.lucos.patcher.refusal.Refusal;

/**
 * Watches guests, look by look: their patches, who is still inside of what these replaced, and how
 * they are since the first look. Nothing is paused or written. A guest that cannot be seen is said
 * to be gone, with the reason, and looked for again.
 */
public final class WatchGuests {
  /** An operation further back in the log of this host is not the last one anybody asks for. */
  private static final int RECENT = 1000;

  private final Settings settings;

  /** Works with these settings. */
  public WatchGuests(Settings settings) {
    this.settings = settings;
  }

  /**
   * What is asked.
   *
   * @param guests names, UUIDs or ids
   * @param interval from the end of a look to the next one
   * @param stuckAfter for how long a task must sleep uninterruptibly in patched code to be called
   *     stuck
   */
  public record Request(List<String> guests, Duration interval, Duration stuckAfter) {
    /** Copies the list. */
    public Request {
      guests = List.copyOf(guests);
    }
  }

  /**
   * What a look at all of them has shown.
   *
   * @param at when, by this host's clock
   */
  public record Look(String at, List<View> guests) {
    /** Copies the list. */
    public Look {
      guests = List.copyOf(guests);
    }

    /** Whether all are there, and nothing speaks against their patches. */
    public boolean isWell() {
      return guests.stream().allMatch(view -> view.state().equals("healthy"));
    }
  }

  /**
   * One guest.
   *
   * @param name as it was asked for
   * @param state "healthy", "unhealthy" or "gone"
   * @param reason why it is not healthy; empty if it is
   * @param guest which kernel; empty if it is gone
   * @param patches as {@code status} shows them
   * @param health since the first look at this boot; empty if it is gone
   * @param last the last operation on it that this host has recorded
   * @param notes as {@code status} shows them
   */
  public record View(
      String name,
      String state,
      String reason,
      Optional<Report.Guest> guest,
      List<ShowStatus.Patch> patches,
      Optional<SoakedApply.Health> health,
      Optional<LastOperation> last,
      List<String> notes) {
    /** Copies the lists. */
    public View {
      patches = List.copyOf(patches);
      notes = List.copyOf(notes);
    }
  }

  /**
   * An operation.
   *
   * @param pauses how often the guest was stopped by it
   * @param longestMilliseconds the longest of these pauses
   */
  public record LastOperation(
      String at, String operation, String outcome, int pauses, double longestMilliseconds) {
    static LastOperation of(ShowAudit.Line line) {
      JsonNode pauses = line.record().path("pauses");
      return new LastOperation(
          line.at(),
          line.operation(),
          line.outcome(),
          pauses.path("count").asInt(),
          pauses.path("longestMilliseconds").asDouble());
    }
  }

  /**
   * Watches until it is told not to go on.
   *
   * @param each told of every look; says whether there is to be another
   * @return the last look
   */
  public Look run(Request request, Predicate<Look> each) {
    List<Watched> guests =
        request.guests().stream().map(name -> new Watched(name, request.stuckAfter())).toList();
    try {
      while (true) {
        List<ShowAudit.Line> log = new ShowAudit(settings).run(Optional.empty(), RECENT).lines();
        Look look =
            new Look(
                settings.clock().instant().toString(),
                guests.stream().map(guest -> guest.look(log)).toList());
        if (!each.test(look)) {
          return look;
        }
        sleep(request.interval());
      }
    } finally {
      guests.forEach(Watched::close);
    }
  }

  private static void sleep(Duration duration) {
    try {
      Thread.sleep(duration.toMillis());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while guests were watched", e);
    }
  }

  private final class Watched {
    private final String name;
    private final Duration stuckAfter;
    private @Nullable GuestSession session;
    private @Nullable HealthBaseline baseline;
    private @Nullable HealthWatch watch;
    private PatchedCode code = PatchedCode.NONE;

    Watched(String name, Duration stuckAfter) {
      this.name = name;
      this.stuckAfter = stuckAfter;
    }

    View look(List<ShowAudit.Line> log) {
      try {
        GuestSession open = session == null ? open() : session;
        HealthVerdict verdict = watch(open.kernel()).look();
        if (open.kernel().boot().whyGone().isPresent()) {
          close();
          return gone(verdict.reason().map(Symptom::text).orElse("it left its boot"));
        }
        return seen(open, verdict, log);
      } catch (RuntimeException e) { // whatever a guest does, the others are watched
        close();
        return gone(
            Failures.refusal(e).map(Refusal::message).orElseGet(() -> Failures.describe(e)));
      }
    }

    private GuestSession open() {
      GuestSession open = GuestSession.reading(settings, name);
      session = open;
      watch = null;
      if (baseline == null || !baseline.boot().equals(open.kernel().boot().id())) {
        baseline = HealthBaseline.of(open.kernel());
        code = PatchedCode.NONE;
      }
      return open;
    }

    /** More patches are more code to watch, also when they have gone: against one beginning. */
    private HealthWatch watch(RunningKernel kernel) {
      PatchedCode now = code.and(ShowLog.patched(kernel));
      HealthWatch current = watch;
      if (current == null || !now.equals(code)) {
        HealthBaseline beginning = baseline == null ? HealthBaseline.of(kernel) : baseline;
        current = new HealthWatch(kernel, beginning, now, stuckAfter, System::nanoTime);
        code = now;
        watch = current;
      }
      return current;
    }

    private View seen(GuestSession open, HealthVerdict verdict, List<ShowAudit.Line> log) {
      ShowStatus.Outcome status = new ShowStatus(settings).of(open);
      return new View(
          name,
          verdict.isHealthy() ? "healthy" : "unhealthy",
          verdict.reason().map(Symptom::toString).orElse(""),
          Optional.of(status.guest()),
          status.patches(),
          Optional.of(SoakedApply.Health.of(verdict)),
          log.stream()
              .filter(line -> line.isOf(status.guest().uuid()))
              .reduce((earlier, later) -> later)
              .map(LastOperation::of),
          status.notes());
    }

    private View gone(String why) {
      return new View(
          name,
          "gone",
          why,
          Optional.empty(),
          List.of(),
          Optional.empty(),
          Optional.empty(),
          List.of());
    }

    void close() {
      GuestSession open = session;
      session = null;
      watch = null;
      if (open != null) {
        open.close();
      }
    }
  }
}
