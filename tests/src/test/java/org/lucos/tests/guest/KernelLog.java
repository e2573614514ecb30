package org.lucos.tests.guest;

import java.util.List;
import org.lucos.bench.guest.KernelTroubles;

/**
 * Lines of a guest's kernel log, oldest first.
 *
 * @param lines as {@code dmesg} prints them
 */
public record KernelLog(List<String> lines) {
  public KernelLog {
    lines = List.copyOf(lines);
  }

  static KernelLog parse(String text) {
    return new KernelLog(text.lines().toList());
  }

  /** What comes after the last line that holds the mark; everything if none does. */
  KernelLog after(String mark) {
    for (int i = lines.size() - 1; i >= 0; i--) {
      if (lines.get(i).contains(mark)) {
        return new KernelLog(lines.subList(i + 1, lines.size()));
      }
    }
    return this;
  }

  /** The lines that tell of trouble. A module's taint lines are not among them. */
  public List<String> troubles() {
    return KernelTroubles.in(lines);
  }

  public boolean contains(String text) {
    return lines.stream().anyMatch(line -> line.contains(text));
  }

  @Override
  public String toString() {
    return String.join("\n", lines);
  }
}
