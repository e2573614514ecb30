package org.lucos.patcher.health;

import java.util.List;
import java.util.Optional;

/**
 * Something that the kernel's log complains of, from its first line to the end of its backtrace.
 *
 * @param kind what
 * @param seq number of the message that it begins with
 * @param time when the guest said so, as {@code dmesg} prints it
 * @param text what the kernel says of it, one line
 * @param place the function in which it happened, if the kernel names it
 * @param trace how it came there, innermost first, as far as the kernel printed it
 * @param lines the messages themselves, the first of them at most
 */
public record Trouble(
    TroubleKind kind,
    long seq,
    String time,
    String text,
    Optional<TraceFrame> place,
    List<TraceFrame> trace,
    List<String> lines) {
  /** Copies the lists. */
  public Trouble {
    trace = List.copyOf(trace);
    lines = List.copyOf(lines);
  }

  /** How far from patched code it happened. */
  public PatchedCode.Nearness nearness(PatchedCode code) {
    return code.of(place, trace);
  }
}
