package org.lucos.patcher.app;

import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.lucos.patcher.build.PatchProbe;
import org.lucos.patcher.bytes.Bytes;
import org.lucos.patcher.refusal.HealthRefusal;

/**
 * What came of the probes of an operation. The guest's agent says so: evidence, and no more.
 *
 * @param state {@code passed}, {@code failed}, {@code not-run} (at least one of them), {@code
 *     skipped} (as was asked for) or {@code planned} (a dry run)
 * @param agent its version as it says; empty if none answered
 * @param results of each probe at each moment the last one
 * @param notes what is to be known besides
 */
public record ProbeReport(String state, String agent, List<Result> results, List<String> notes) {
  /** Copies the lists. */
  public ProbeReport {
    results = List.copyOf(results);
    notes = List.copyOf(notes);
  }

  /**
   * A probe of a patch.
   *
   * @param program that it brings along
   */
  record Planned(String patch, PatchProbe probe, Optional<Bytes> program) {
    /** A probe of what is in the guest. */
    Planned(String patch, PatchProbe probe) {
      this(patch, probe, Optional.empty());
    }

    Result result(String moment, Verdict verdict, int runs) {
      return new Result(
          patch,
          probe.name(),
          probe.when().name().toLowerCase(Locale.ROOT),
          moment,
          probe.check().name().toLowerCase(Locale.ROOT),
          verdict.state(),
          runs,
          verdict.outcome(),
          verdict.code(),
          verdict.milliseconds(),
          verdict.baseline(),
          verdict.why(),
          probe.failure(),
          verdict.output());
    }
  }

  /**
   * What came of one run.
   *
   * @param state {@code passed}, {@code failed} or {@code not-run}
   * @param baseline how long it took before the patch, in milliseconds; -1 if that is not known
   */
  record Verdict(
      String state,
      String outcome,
      int code,
      int milliseconds,
      int baseline,
      String why,
      String output) {
    boolean isPassed() {
      return state.equals("passed");
    }

    boolean isFailed() {
      return state.equals("failed");
    }

    static Verdict notRun(String why) {
      return new Verdict("not-run", "", 0, -1, -1, why, "");
    }
  }

  /**
   * What came of a probe.
   *
   * @param when it must hold: {@code before}, {@code after} or {@code always}
   * @param moment it ran at: {@code before}, {@code after} or {@code soak}; {@code planned} if it
   *     did not
   * @param check {@code tcp}, {@code file}, {@code service}, {@code command}, {@code script} or
   *     {@code program}
   * @param verdict {@code passed}, {@code failed}, {@code not-run} or {@code planned}
   * @param runs how often it ran at that moment
   * @param outcome as the agent says; empty if it did not
   * @param code a program's exit status or signal; else an errno
   * @param milliseconds how long it took, as the agent says; -1 if it did not
   * @param baselineMilliseconds how long it took before the patch; -1 if that is not known
   * @param why what speaks against it, or why it did not run; empty if it passed
   * @param failure what its author says that means
   * @param output the first of what a program printed
   */
  public record Result(
      String patch,
      String probe,
      String when,
      String moment,
      String check,
      String verdict,
      int runs,
      String outcome,
      int code,
      int milliseconds,
      int baselineMilliseconds,
      String why,
      String failure,
      String output) {
    private static final int MOST_LINES = 10;

    @Override
    public String toString() {
      return "probe '"
          + probe
          + "' ("
          + when
          + (moment.equals(when) ? ", " : ", at " + moment + ", ")
          + check
          + ") "
          + verdict.replace('-', ' ')
          + (why.isEmpty() ? "" : ": " + why)
          + (failure.isEmpty() || !verdict.equals("failed") ? "" : "; it means: " + failure);
    }

    HealthRefusal.Evidence evidence() {
      return new HealthRefusal.Evidence(
          "probe",
          toString(),
          "",
          "elsewhere",
          true,
          "",
          -1,
          output.lines().limit(MOST_LINES).toList());
    }
  }
}
