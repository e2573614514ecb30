package org.lucos.bench.corpus;

import com.google.common.base.Stopwatch;
import com.google.common.collect.Lists;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.lucos.bench.corpus.LiveResult.Outcome;
import org.lucos.bench.guest.KernelTroubles;
import org.lucos.bench.guest.LiveGuest;
import org.lucos.patcher.app.ApplyPatch;
import org.lucos.patcher.app.Failures;
import org.lucos.patcher.app.Progress;
import org.lucos.patcher.app.RevertPatch;
import org.lucos.patcher.app.Settings;
import org.lucos.patcher.refusal.Refusal;

/**
 * Applies patches in a guest under load, one behind the other, until all are in; then takes them
 * out, the last first, and looks at the guest's kernel log.
 */
public final class LiveBatch {
  private static final Duration PATIENCE = Duration.ofSeconds(60);
  private static final Duration MAX_PAUSE = Duration.ofSeconds(5);
  private static final String MARK = "lucos-corpus batch begins";

  private final Settings settings;
  private final LiveGuest guest;

  /** Works in this guest. */
  public LiveBatch(Settings settings, LiveGuest guest) {
    this.settings = settings;
    this.guest = guest;
  }

  /** Starts what keeps the guest busy: system calls in a loop, on every CPU. */
  public void startLoad() {
    guest.run(
        "[ ! -e /tmp/load.pid ] || kill $(cat /tmp/load.pid) || :;"
            + " syscall_load $(nproc) 86400 >/tmp/load 2>&1 & echo $! >/tmp/load.pid");
  }

  /**
   * Applies and reverts.
   *
   * @param bundles by the path of the file they change
   * @return a result for every bundle, in order
   * @throws org.lucos.bench.guest.GuestLostException if the guest did not survive it
   */
  public List<LiveResult> run(Map<String, Path> bundles) {
    guest.run("echo " + MARK + " >/dev/kmsg");
    Map<String, LiveResult> results = new LinkedHashMap<>();
    bundles.forEach((path, bundle) -> results.put(path, apply(path, bundle)));
    guest.run("sleep 1");
    for (String path : Lists.reverse(List.copyOf(bundles.keySet()))) {
      LiveResult applied = results.get(path);
      if (applied != null && applied.outcome() == Outcome.DONE) {
        results.put(path, revert(applied, bundles.get(path)));
      }
    }
    List<String> troubles = troubles();
    return results.values().stream().map(result -> result.warned(troubles)).toList();
  }

  private LiveResult apply(String path, Path bundle) {
    Stopwatch watch = Stopwatch.createStarted();
    try {
      ApplyPatch.Outcome done =
          new ApplyPatch(settings)
              .run(
                  new ApplyPatch.Request(
                      guest.name(),
                      bundle,
                      PATIENCE,
                      MAX_PAUSE,
                      false,
                      Settings.CALLBACK_LIMIT,
                      true, // of our own making, a moment ago
                      false),
                  Progress.SILENT);
      return new LiveResult(
          path,
          Outcome.DONE,
          "",
          "",
          seconds(watch),
          done.pauseMilliseconds(),
          done.attempts(),
          0,
          0,
          false,
          List.of());
    } catch (RuntimeException e) {
      Optional<Refusal> refusal = Failures.refusal(e);
      return LiveResult.notApplied(
          path,
          refusal.map(LiveBatch::outcome).orElse(Outcome.FAILED),
          refusal.map(Refusal::code).orElse(e.getClass().getSimpleName()),
          refusal.map(Refusal::message).orElse(Failures.describe(e)),
          seconds(watch));
    }
  }

  private static Outcome outcome(Refusal refusal) {
    return refusal.code().equals("module-not-loaded") ? Outcome.NOT_TRIED : Outcome.REFUSED;
  }

  private LiveResult revert(LiveResult applied, @Nullable Path bundle) {
    Stopwatch watch = Stopwatch.createStarted();
    try {
      RevertPatch.Outcome done =
          new RevertPatch(settings)
              .run(
                  new RevertPatch.Request(
                      guest.name(), String.valueOf(bundle), PATIENCE, MAX_PAUSE),
                  Progress.SILENT);
      return applied.reverted(
          seconds(watch), done.pauseMilliseconds(), done.patches().get(0).unloaded());
    } catch (RuntimeException e) {
      Optional<Refusal> refusal = Failures.refusal(e);
      return applied.ended(
          refusal.isPresent() ? Outcome.REVERT_REFUSED : Outcome.FAILED,
          refusal.map(Refusal::code).orElse(e.getClass().getSimpleName()),
          refusal.map(Refusal::message).orElse(Failures.describe(e)));
    }
  }

  private List<String> troubles() {
    List<String> log = guest.run("dmesg").lines().toList();
    int begin = 0;
    for (int i = 0; i < log.size(); i++) {
      begin = log.get(i).contains(MARK) ? i + 1 : begin;
    }
    String load = guest.run("cat /tmp/load; kill -0 $(cat /tmp/load.pid) || echo it has ended");
    List<String> troubles = new java.util.ArrayList<>();
    if (!load.isBlank()) {
      troubles.add("the load: " + load.strip());
    }
    troubles.addAll(KernelTroubles.in(log.subList(begin, log.size())));
    return troubles;
  }

  private static double seconds(Stopwatch watch) {
    return watch.elapsed(TimeUnit.MILLISECONDS) / 1000.0;
  }
}
