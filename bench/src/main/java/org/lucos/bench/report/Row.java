package org.lucos.bench.report;

import java.util.Optional;
import org.lucos.bench.corpus.BuildResult;
import org.lucos.bench.corpus.LiveResult;

/**
 * What is known of one file.
 *
 * @param build what building it came to
 * @param live what applying it came to; absent for what was not built, or not tried yet
 */
public record Row(BuildResult build, Optional<LiveResult> live) {
  /** The word for how far it came. */
  public String verdict() {
    if (build.outcome() != BuildResult.Outcome.BUILT || live.isEmpty()) {
      return word(build.outcome().name());
    }
    LiveResult result = live.get();
    return switch (result.outcome()) {
      case DONE -> result.warnings().isEmpty() ? "applied and reverted" : "applied, with warnings";
      case NOT_TRIED -> "not tried: module not loaded";
      case REFUSED -> "refused by the guest's kernel";
      case REVERT_REFUSED -> "not reverted";
      case FAILED -> "failed live";
    };
  }

  /** The refusal or failure, whichever side it came from. */
  public String code() {
    return build.code().isEmpty() ? live.map(LiveResult::code).orElse("") : build.code();
  }

  String detail() {
    return build.detail().isEmpty() ? live.map(LiveResult::detail).orElse("") : build.detail();
  }

  private static String word(String constant) {
    return constant.toLowerCase(java.util.Locale.ROOT).replace('_', ' ');
  }
}
