package org.lucos.bench.corpus;

import com.google.common.collect.ImmutableList;
import java.util.List;

/**
 * What applying and reverting one patch came to.
 *
 * @param path of the file in the source
 * @param outcome how it ended
 * @param code of the refusal, or a word for the failure; empty otherwise
 * @param detail of the refusal or failure
 * @param applySeconds from the request to the answer; 0 where it did not get so far
 * @param applyPause milliseconds the guest stood still for the switch
 * @param attempts to find a moment when nothing was in use
 * @param revertSeconds as with apply
 * @param revertPause as with apply
 * @param unloaded whether the patch's memory was given back
 * @param warnings lines of the guest's kernel log that tell of trouble
 */
public record LiveResult(
    String path,
    Outcome outcome,
    String code,
    String detail,
    double applySeconds,
    double applyPause,
    int attempts,
    double revertSeconds,
    double revertPause,
    boolean unloaded,
    List<String> warnings) {
  /** How it ended. */
  public enum Outcome {
    /** Applied, and reverted. */
    DONE,
    /** Not applied: the guest has no such hardware, and does not load the module. */
    NOT_TRIED,
    /** Not applied, for a stated reason. */
    REFUSED,
    /** Applied, but not reverted for a stated reason. */
    REVERT_REFUSED,
    /** Something broke. */
    FAILED
  }

  /** Keeps its own copy. */
  public LiveResult {
    warnings = ImmutableList.copyOf(warnings);
  }

  static LiveResult notApplied(
      String path, Outcome outcome, String code, String detail, double seconds) {
    return new LiveResult(path, outcome, code, detail, seconds, 0, 0, 0, 0, false, List.of());
  }

  LiveResult reverted(double seconds, double pause, boolean isUnloaded) {
    return new LiveResult(
        path,
        outcome,
        code,
        detail,
        applySeconds,
        applyPause,
        attempts,
        seconds,
        pause,
        isUnloaded,
        warnings);
  }

  LiveResult ended(Outcome how, String withCode, String withDetail) {
    return new LiveResult(
        path,
        how,
        withCode,
        withDetail,
        applySeconds,
        applyPause,
        attempts,
        revertSeconds,
        revertPause,
        unloaded,
        warnings);
  }

  LiveResult warned(List<String> lines) {
    return new LiveResult(
        path,
        outcome,
        code,
        detail,
        applySeconds,
        applyPause,
        attempts,
        revertSeconds,
        revertPause,
        unloaded,
        lines);
  }

  /** Applied, reverted, and no word of it in the log. */
  public boolean good() {
    return outcome == Outcome.DONE && warnings.isEmpty();
  }
}
