package org.lucos.patcher.app;

import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.lucos.bridge.memory.MemoryFaultException;
import org.lucos.patcher.app.WaitingPatches.Waiting;
import org.lucos.patcher.bytes.MalformedDataException;
import org.lucos.patcher.refusal.ExitCode;
import org.lucos.patcher.refusal.GuestRefusal;
import org.lucos.patcher.refusal.Refusal;
import org.lucos.patcher.refusal.RefusedException;
import org.lucos.patcher.refusal.StateRefusal;

/**
 * Applies the patches that wait for modules, once these are loaded. To look whether they are takes
 * no pause: the guest's list of modules is read while it runs.
 */
public final class SettlePatches {
  /** A reboot of the guest is seen by attaching anew, which costs more than a look. */
  private static final Duration REATTACH = Duration.ofSeconds(10);

  private final Settings settings;

  /** Works with these settings. */
  public SettlePatches(Settings settings) {
    this.settings = settings;
  }

  /**
   * What to settle.
   *
   * @param guest name, UUID or id
   * @param limits how long each may take
   * @param watch how often to look until nothing waits; if empty, once
   * @param limit when to give up watching; if empty, never
   */
  public record Request(
      String guest, SwitchLimits limits, Optional<Duration> watch, Optional<Duration> limit) {}

  /** What became of each patch that waited. */
  public record Outcome(List<Settled> patches, List<String> notes) {
    /** Copies the lists. */
    public Outcome {
      patches = List.copyOf(patches);
      notes = List.copyOf(notes);
    }

    /** What the shell is told: a refusal rather than that something still waits. */
    public ExitCode worst() {
      return patches.stream()
          .map(Settled::exitCode)
          .filter(code -> code != ExitCode.OK && code != ExitCode.WAITING)
          .findFirst()
          .orElse(
              patches.stream().anyMatch(patch -> patch.exitCode() == ExitCode.WAITING)
                  ? ExitCode.WAITING
                  : ExitCode.OK);
    }
  }

  /**
   * One patch.
   *
   * @param state {@code applied}, {@code waiting}, {@code refused}, or {@code expired}: the guest
   *     was rebooted since, and the patch is forgotten
   * @param waitsFor modules that are not loaded
   * @param detail why it is not applied; else empty
   * @param exitCode what this patch alone would end in
   */
  public record Settled(
      String patch,
      String module,
      String state,
      List<String> waitsFor,
      String detail,
      ExitCode exitCode) {
    /** Copies the list. */
    public Settled {
      waitsFor = List.copyOf(waitsFor);
    }

    boolean isWaiting() {
      return exitCode == ExitCode.WAITING;
    }
  }

  /** Applies what can be applied now, or watches until all that waits is. */
  public Outcome run(Request request, Progress progress) {
    return new Run(request, progress).settle();
  }

  private final class Run {
    private final Request request;
    private final Progress progress;
    private final long start = System.nanoTime();
    private final Map<String, Settled> results = new LinkedHashMap<>();
    private List<String> notes = List.of();

    Run(Request request, Progress progress) {
      this.request = request;
      this.progress = progress;
    }

    Outcome settle() {
      boolean more = true;
      while (more) {
        progress.phase("look for modules");
        for (Ready ready : look()) {
          results.put(ready.waiting().module(), apply(ready));
        }
        more = request.watch().isPresent() && somethingWaits() && !isOver();
        if (more) {
          sleep();
        }
      }
      return new Outcome(List.copyOf(results.values()), notes);
    }

    private boolean somethingWaits() {
      return results.values().stream().anyMatch(Settled::isWaiting);
    }

    private boolean isOver() {
      return request.limit().filter(limit -> limit.toNanos() < elapsed()).isPresent();
    }

    private long elapsed() {
      return System.nanoTime() - start;
    }

    /** Patches whose modules are all there; when watching, not before there is one. */
    private List<Ready> look() {
      try (GuestSession session = GuestSession.reading(settings, request.guest())) {
        long attached = elapsed();
        while (true) {
          session.kernel().memory().forgetTranslations();
          List<Ready> ready = ready(session);
          boolean enough = request.watch().isEmpty() || !ready.isEmpty() || !somethingWaits();
          if (enough || isOver() || elapsed() - attached > REATTACH.toNanos()) {
            return ready;
          }
          sleep();
        }
      } catch (MalformedDataException | MemoryFaultException e) {
        return afterReset(e);
      } catch (RefusedException e) {
        if (e.refusal() instanceof GuestRefusal.KernelNotFound) {
          return afterReset(e);
        }
        throw e;
      }
    }

    /** While a guest boots its memory makes no sense; who watches looks again. */
    private List<Ready> afterReset(RuntimeException failure) {
      if (request.watch().isEmpty() || isOver()) {
        throw failure;
      }
      return List.of();
    }

    private List<Ready> ready(GuestSession session) {
      WaitingPatches store = new WaitingPatches(settings, session.domain().identity().uuid());
      WaitingPatches.Recorded recorded = store.all();
      notes = recorded.damaged().stream().map(file -> "damaged record: " + file).toList();
      List<String> names = recorded.patches().stream().map(Waiting::module).toList();
      results.values().removeIf(known -> known.isWaiting() && !names.contains(known.module()));
      List<Ready> ready = new ArrayList<>();
      for (Waiting waiting : recorded.patches()) {
        Settled known = results.get(waiting.module());
        if (!waiting.boot().equals(session.kernel().identity().boot())) {
          store.remove(waiting.module());
          results.put(
              waiting.module(),
              settled(
                  waiting,
                  "expired",
                  List.of(),
                  "the guest was rebooted since " + waiting.since(),
                  ExitCode.WRONG_STATE));
        } else if (known == null || known.isWaiting()) {
          List<String> absent = PreparedPatch.absent(waiting.targets(), session.kernel());
          if (absent.isEmpty()) {
            ready.add(new Ready(waiting, store));
          } else {
            results.put(
                waiting.module(), settled(waiting, "waiting", absent, "", ExitCode.WAITING));
          }
        }
      }
      return ready;
    }

    private Settled apply(Ready ready) {
      Waiting waiting = ready.waiting();
      try {
        new ApplyPatch(settings)
            .run(
                "settle",
                new ApplyPatch.Request(
                    request.guest(),
                    List.of(ready.store().bundle(waiting)),
                    Optional.empty(),
                    request.limits(),
                    false,
                    waiting.allowUnsigned(),
                    false,
                    false),
                progress);
        return settled(waiting, "applied", List.of(), "", ExitCode.OK);
      } catch (RuntimeException e) {
        Refusal refusal = Failures.refusal(e).orElseThrow(() -> e);
        return refused(ready, refusal);
      }
    }

    private Settled refused(Ready ready, Refusal refusal) {
      Waiting waiting = ready.waiting();
      if (refusal instanceof StateRefusal.ModuleNotLoaded absent) {
        return settled(waiting, "waiting", absent.modules(), "", ExitCode.WAITING);
      }
      if (refusal.exitCode() == ExitCode.BUSY && request.watch().isPresent()) {
        return settled(waiting, "waiting", List.of(), refusal.message(), ExitCode.WAITING);
      }
      return settled(waiting, "refused", List.of(), refusal.message(), refusal.exitCode());
    }

    private void sleep() {
      try {
        Thread.sleep(request.watch().orElseThrow().toMillis());
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new IllegalStateException("interrupted while watching", e);
      }
    }
  }

  private record Ready(Waiting waiting, WaitingPatches store) {}

  private static Settled settled(
      Waiting waiting, String state, List<String> waitsFor, String detail, ExitCode exitCode) {
    return new Settled(waiting.patch(), waiting.module(), state, waitsFor, detail, exitCode);
  }
}
