package org.lucos.patcher.health;

import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A place in code as the kernel prints it ({@code %pS}): {@code function+0x12/0x34 [module]}.
 *
 * @param function its name
 * @param module that it is in; empty if it is in vmlinux
 * @param sure whether the kernel's unwinder found it, or only the word on the stack (a {@code ?})
 */
public record TraceFrame(String function, String module, boolean sure) {
  private static final Pattern PLACE =
      Pattern.compile(
          "([A-Za-z_][\\w.$]*)\\+0x[0-9a-f]+(?:/0x[0-9a-f]+)?(?: \\[([\\w-]+)[^\\]]*\\])?");

  private static final Pattern LINE = Pattern.compile("^\\s*(\\? )?" + PLACE.pattern() + "\\s*$");

  /** The place that a line of a backtrace is about, if it is one. */
  static Optional<TraceFrame> ofLine(String line) {
    Matcher match = LINE.matcher(line);
    return match.matches()
        ? Optional.of(frame(match.group(2), match.group(3), match.group(1) == null))
        : Optional.empty();
  }

  /** The first place that a line names. */
  static Optional<TraceFrame> in(String line) {
    Matcher match = PLACE.matcher(line);
    return match.find()
        ? Optional.of(frame(match.group(1), match.group(2), true))
        : Optional.empty();
  }

  private static TraceFrame frame(String function, @Nullable String module, boolean sure) {
    return new TraceFrame(function, module == null ? "" : module, sure);
  }

  @Override
  public String toString() {
    return (sure ? "" : "? ") + function + (module.isEmpty() ? "" : " [" + module + "]");
  }
}
