package org.lucos.patcher.refusal;

import java.util.List;

/**
 * A patch was applied, and the guest has not been well since. What became of the patch is in each:
 * other than with refusals of every other kind, the guest is not always as it was before.
 */
public sealed interface HealthRefusal extends Refusal {
  @Override
  default ExitCode exitCode() {
    return ExitCode.UNHEALTHY;
  }

  /**
   * What was seen in the guest.
   *
   * @param kind such as {@code warn}, {@code oops}, {@code taint} or {@code stuck-task}
   * @param text one line
   * @param function where it happened; empty if that is not known
   * @param where {@code inside} patched code, {@code near} it, or {@code elsewhere}
   * @param against whether it speaks against the patch
   * @param guestTime when the guest's log said so, in seconds since boot; empty if it did not
   * @param seq number of that message; -1 if there is none
   * @param evidence lines of the log, or a backtrace
   */
  record Evidence(
      String kind,
      String text,
      String function,
      String where,
      boolean against,
      String guestTime,
      long seq,
      List<String> evidence) {
    /** Copies the list. */
    public Evidence {
      evidence = List.copyOf(evidence);
    }

    @Override
    public String toString() {
      return kind
          + (function.isEmpty() ? "" : " in " + function)
          + (where.equals("elsewhere") ? "" : " (" + where + " patched code)")
          + ": "
          + text;
    }
  }

  /**
   * The patch was taken back.
   *
   * @param patches their names
   * @param reason what spoke against them most plainly
   * @param symptoms all that was seen
   * @param seenAfterMilliseconds from the end of the apply until it was seen
   * @param revertedAfterMilliseconds from the end of the apply until all was put back
   * @param inside tasks that are inside of its code still, which therefore stays in memory
   * @param replaced names of patches that it had replaced; they are not put back
   */
  record UnhealthyReverted(
      List<String> patches,
      String reason,
      List<Evidence> symptoms,
      double seenAfterMilliseconds,
      double revertedAfterMilliseconds,
      List<Straggler> inside,
      List<String> replaced)
      implements HealthRefusal {
    /** Copies the lists. */
    public UnhealthyReverted {
      patches = List.copyOf(patches);
      symptoms = List.copyOf(symptoms);
      inside = List.copyOf(inside);
      replaced = List.copyOf(replaced);
    }

    @Override
    public String message() {
      StringBuilder text = new StringBuilder(names(patches));
      text.append(" made the guest ill and was reverted ")
          .append(Math.round(revertedAfterMilliseconds))
          .append(" ms after it was applied: ")
          .append(reason);
      if (!inside.isEmpty()) {
        text.append("; its functions are no longer called, but ")
            .append(inside.get(0).task())
            .append(inside.size() > 1 ? " and " + (inside.size() - 1) + " more are" : " is")
            .append(" still inside, so its memory stays");
      }
      if (!replaced.isEmpty()) {
        text.append("; what it had replaced is not back: ").append(String.join(", ", replaced));
      }
      return text.toString();
    }

    @Override
    public String remedy() {
      return inside.isEmpty()
          ? "see 'lucos dmesg GUEST --troubles', and mend the patch"
          : "see 'lucos ps GUEST'; once nobody is inside, 'lucos revert GUEST PATCH' frees its memory";
    }

    @Override
    public List<? extends Record> details() {
      return symptoms;
    }
  }

  /**
   * The patch could not be taken back.
   *
   * @param patches their names
   * @param reason what speaks against them
   * @param symptoms all that was seen
   * @param why it could not be reverted
   */
  record UnhealthyNotReverted(
      List<String> patches, String reason, List<Evidence> symptoms, String why)
      implements HealthRefusal {
    /** Copies the lists. */
    public UnhealthyNotReverted {
      patches = List.copyOf(patches);
      symptoms = List.copyOf(symptoms);
    }

    @Override
    public String message() {
      return names(patches)
          + " made the guest ill ("
          + reason
          + ") and could not be reverted: "
          + why;
    }

    @Override
    public String remedy() {
      return "it is as 'lucos status GUEST' says: try 'lucos revert', or reboot the guest";
    }

    @Override
    public List<? extends Record> details() {
      return symptoms;
    }
  }

  /**
   * The patch is applied, and nobody can say how the guest is.
   *
   * @param patches their names
   * @param why the guest could not be watched to the end
   */
  record Unwatched(List<String> patches, String why) implements HealthRefusal {
    /** Copies the list. */
    public Unwatched {
      patches = List.copyOf(patches);
    }

    @Override
    public String message() {
      return names(patches) + " was applied, but the guest could not be watched to the end: " + why;
    }

    @Override
    public String remedy() {
      return "see 'lucos status GUEST' and 'lucos dmesg GUEST --troubles'; 'lucos revert GUEST PATCH'"
          + " takes it out";
    }
  }

  private static String names(List<String> patches) {
    return (patches.size() == 1 ? "patch '" : "patches '") + String.join("', '", patches) + "'";
  }
}
