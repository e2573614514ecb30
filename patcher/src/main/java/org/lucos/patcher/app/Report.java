package org.lucos.patcher.app;

import java.time.Duration;
import java.util.List;
import org.lucos.bridge.domain.PauseLog;
import org.lucos.patcher.build.PatchManifest;
import org.lucos.patcher.trust.Verdict;

/** Parts that several reports share. All times are in milliseconds. */
public final class Report {
  private Report() {}

  /** One phase of an operation and how long it took. */
  public record Phase(String phase, double milliseconds) {}

  /** The pauses of an operation. */
  public record Pauses(int count, double totalMilliseconds, double longestMilliseconds) {
    static Pauses of(PauseLog log) {
      return new Pauses(log.entries().size(), millis(log.total()), millis(log.longest()));
    }
  }

  /** Which guest and kernel. */
  public record Guest(String name, String uuid, String release, String buildId) {}

  /**
   * Who stands for a bundle.
   *
   * @param state {@code trusted}, or the code of the refusal it would be
   * @param signer name of the trusted key; empty if there is none
   * @param keyIds of the keys it was signed with
   * @param text one line for people
   */
  public record Signature(String state, String signer, List<String> keyIds, String text) {
    /** Copies the list. */
    public Signature {
      keyIds = List.copyOf(keyIds);
    }

    static Signature of(Verdict verdict) {
      return new Signature(
          verdict.code(),
          verdict instanceof Verdict.Trusted trusted ? trusted.by().name() : "",
          verdict.keyIds(),
          verdict.describe());
    }
  }

  /** A kernel that a bundle was to be for and is not: code and message of the refusal. */
  public record Skipped(String release, String code, String reason) {
    static List<Skipped> of(List<PatchManifest.SkippedKernel> kernels) {
      return kernels.stream().map(k -> new Skipped(k.release(), k.code(), k.reason())).toList();
    }
  }

  /** One replaced function. */
  public record Function(String name, String address, String site, String replacement) {}

  /** One call that ran inside the guest. */
  public record Applied(String patch, String module, String state, List<Function> functions) {
    /** Copies the list. */
    public Applied {
      functions = List.copyOf(functions);
    }
  }

  static double millis(Duration duration) {
    return round(duration.toNanos() / 1e6);
  }

  static double round(double milliseconds) {
    return Math.round(milliseconds * 1000) / 1000.0;
  }
}
