package org.lucos.patcher.cli;

import java.util.stream.Collectors;
import org.lucos.patcher.app.ShowLog;

/** How a guest's health is put for people. */
final class HealthText {
  private HealthText() {}

  /** Text that may be of a guest, without what a terminal would take for a command. */
  static String safe(String text) {
    return text.chars()
        .mapToObj(
            c ->
                c == '\t' || c == '\n' || (c >= 0x20 && c < 0x7f) || c >= 0xa0
                    ? String.valueOf((char) c)
                    : String.format("\\x%02x", c))
        .collect(Collectors.joining());
  }

  /** What a kernel says of itself, where it is anything out of the ordinary. */
  static void condition(Console console, ShowLog.Condition now) {
    if (now.taint().isEmpty()) {
      console.line("not tainted");
    } else {
      console.line("tainted %s: %s", now.taint(), String.join("; ", now.taints()));
    }
    now.panic()
        .ifPresent(
            cpu ->
                console.line(
                    "the kernel has panicked on CPU %d (reboots after %d s; 0: never)",
                    cpu, now.panicTimeoutSeconds()));
    if (now.oopsInProgress()) {
      console.line("an oops is being printed");
    }
    if (now.rcuStalled()) {
      console.line(
          "RCU has been waiting for %.1f s", now.gracePeriodMilliseconds().orElse(0.0) / 1000);
    }
  }
}
