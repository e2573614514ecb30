package org.lucos.patcher.build;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A run of lines that differs between two texts, without context. Line numbers count from 1; for a
 * pure insertion {@code oldStart} is the old line it comes before, likewise for a deletion.
 *
 * @param oldStart first old line
 * @param oldCount old lines replaced
 * @param newStart first new line
 * @param newCount new lines
 */
public record LineHunk(int oldStart, int oldCount, int newStart, int newCount) {
  private static final Pattern HEADER =
      Pattern.compile("@@ -([0-9]{1,8})(?:,([0-9]{1,8}))? \\+([0-9]{1,8})(?:,([0-9]{1,8}))? @@.*");

  /** The first old line behind the run. */
  public int oldEnd() {
    return oldStart + oldCount;
  }

  /** The first new line behind the run. */
  public int newEnd() {
    return newStart + newCount;
  }

  /** The runs in the output of {@code diff -U0}. */
  static List<LineHunk> parse(String diff) {
    List<LineHunk> hunks = new ArrayList<>();
    for (String line : diff.split("\n", -1)) {
      Matcher header = HEADER.matcher(line);
      if (header.matches()) {
        int oldCount = header.group(2) == null ? 1 : Integer.parseInt(header.group(2));
        int newCount = header.group(4) == null ? 1 : Integer.parseInt(header.group(4));
        // diff names the line before an empty side.
        int oldStart = Integer.parseInt(header.group(1)) + (oldCount == 0 ? 1 : 0);
        int newStart = Integer.parseInt(header.group(3)) + (newCount == 0 ? 1 : 0);
        hunks.add(new LineHunk(oldStart, oldCount, newStart, newCount));
      }
    }
    return hunks;
  }
}
