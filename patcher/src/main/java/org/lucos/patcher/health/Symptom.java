package org.lucos.patcher.health;

import java.util.List;

/**
 * One thing that is wrong with a guest, with what shows it.
 *
 * @param kind what: a label of {@link TroubleKind}, {@code taint}, {@code stuck-task} or {@code
 *     guest-gone}
 * @param text one line for people
 * @param function where it happened, as the kernel names it; empty if it is not known
 * @param where {@code inside} patched code, {@code near} it, or {@code elsewhere}
 * @param against whether it speaks against the patch
 * @param guestTime when the guest's log said so; empty if it did not
 * @param seq the number of that message; -1 if there is none
 * @param evidence lines of the log, or a backtrace
 */
public record Symptom(
    String kind,
    String text,
    String function,
    String where,
    boolean against,
    String guestTime,
    long seq,
    List<String> evidence) {
  /** Copies the list. */
  public Symptom {
    evidence = List.copyOf(evidence);
  }

  @Override
  public String toString() {
    return kind + (function.isEmpty() ? "" : " in " + function) + " (" + where + "): " + text;
  }
}
