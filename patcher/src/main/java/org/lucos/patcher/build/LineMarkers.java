package org.lucos.patcher.build;

import java.util.ArrayList;
import java.util.List;

/**
 * Keeps line numbers: after each place where a patched file has more or fewer lines than the
 * original, a {@code #line} directive takes the compiler back to the original's numbers. Without
 * it, {@code __LINE__} in every WARN() further down would change, and with it functions that the
 * patch does not touch.
 */
final class LineMarkers {
  private LineMarkers() {}

  /**
   * The patched text with directives.
   *
   * @param hunks how {@code patched} differs from the original
   */
  static String insert(String patched, List<LineHunk> hunks) {
    List<String> lines = new ArrayList<>(List.of(patched.split("\n", -1)));
    // From the end, so that earlier line numbers stay valid.
    for (int i = hunks.size() - 1; i >= 0; i--) {
      LineHunk hunk = hunks.get(i);
      if (hunk.oldCount() == hunk.newCount()) {
        continue;
      }
      int newLine = hunk.newEnd();
      int oldLine = hunk.oldEnd();
      int limit = i + 1 < hunks.size() ? hunks.get(i + 1).newStart() : lines.size();
      // A directive cannot stand inside a line that is continued with a backslash.
      while (newLine < limit && newLine >= 2 && lines.get(newLine - 2).endsWith("\\")) {
        newLine++;
        oldLine++;
      }
      if (newLine < limit || (newLine == limit && i + 1 == hunks.size())) {
        lines.add(newLine - 1, "#line " + oldLine);
      }
    }
    return String.join("\n", lines);
  }
}
