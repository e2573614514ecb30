package org.lucos.patcher.consistency;

import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Finds the range that a word points into; made for millions of words that point into none. */
final class RangeIndex {
  private final List<NamedRange> ranges;
  private final long[] starts;
  private final long[] ends;

  /** The greatest end of a range and all before it: ranges may overlap. */
  private final long[] reach;

  private final long lowest;
  private final long span;

  RangeIndex(Collection<NamedRange> wanted) {
    ranges =
        wanted.stream()
            .filter(range -> range.range().size() > 0)
            .sorted(Comparator.comparing(range -> range.range().start()))
            .toList();
    starts = ranges.stream().mapToLong(range -> range.range().start().value()).toArray();
    ends = ranges.stream().mapToLong(range -> range.range().end().value()).toArray();
    reach = ends.clone();
    for (int i = 1; i < reach.length; i++) {
      if (Long.compareUnsigned(reach[i - 1], reach[i]) > 0) {
        reach[i] = reach[i - 1];
      }
    }
    lowest = starts.length == 0 ? 0 : starts[0];
    span = starts.length == 0 ? 0 : reach[reach.length - 1] - lowest;
  }

  /** The range that holds {@code word}, if one does. */
  @Nullable NamedRange find(long word) {
    return Long.compareUnsigned(word - lowest, span) >= 0 ? null : search(word);
  }

  private @Nullable NamedRange search(long word) {
    int low = 0;
    int high = starts.length;
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (Long.compareUnsigned(starts[middle], word) <= 0) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    for (int i = low - 1; i >= 0 && Long.compareUnsigned(word, reach[i]) < 0; i--) {
      if (Long.compareUnsigned(word, ends[i]) < 0) {
        return ranges.get(i);
      }
    }
    return null;
  }
}
