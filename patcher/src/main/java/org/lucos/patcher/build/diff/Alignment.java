package org.lucos.patcher.build.diff;

import java.util.ArrayList;
import java.util.List;

/**
 * Pairs the elements of two sequences that both have in the same order: the longest such choice.
 */
final class Alignment {
  /** Positions in the first and in the second sequence. */
  record Match(int first, int second) {}

  private static final long MOST_CELLS = 16 << 20;

  private Alignment() {}

  /** The pairs by ascending position; none if the sequences are too long to compare. */
  static List<Match> of(List<?> first, List<?> second) {
    if ((long) (first.size() + 1) * (second.size() + 1) > MOST_CELLS) {
      return List.of();
    }
    int[][] longest = new int[first.size() + 1][second.size() + 1];
    for (int i = first.size() - 1; i >= 0; i--) {
      for (int j = second.size() - 1; j >= 0; j--) {
        longest[i][j] =
            first.get(i).equals(second.get(j))
                ? longest[i + 1][j + 1] + 1
                : Math.max(longest[i + 1][j], longest[i][j + 1]);
      }
    }
    List<Match> matches = new ArrayList<>();
    int i = 0;
    int j = 0;
    while (i < first.size() && j < second.size()) {
      if (first.get(i).equals(second.get(j))) {
        matches.add(new Match(i++, j++));
      } else if (longest[i + 1][j] >= longest[i][j + 1]) {
        i++;
      } else {
        j++;
      }
    }
    return matches;
  }
}
