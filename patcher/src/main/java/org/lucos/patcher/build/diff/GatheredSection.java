package org.lucos.patcher.build.diff;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.lucos.patcher.bytes.ByteWriter;
import org.lucos.patcher.bytes.Bytes;

/** Fragments of several files that make up one section of the image. */
final class GatheredSection {
  /** A fragment and the file it is of. */
  record Member(int file, int fragment) {}

  private record Entry(Member member, Fragment fragment) {}

  private final List<Entry> entries = new ArrayList<>();
  private final Map<Member, Long> offsets = new LinkedHashMap<>();

  void add(int file, int index, Fragment fragment) {
    entries.add(new Entry(new Member(file, index), fragment));
  }

  /** The one whose properties the section has. */
  Fragment first() {
    return entries.get(0).fragment;
  }

  /** The strictest of all. */
  long alignment() {
    return entries.stream().mapToLong(e -> e.fragment.alignment()).max().orElse(1);
  }

  /** Lays them out: table entries by file and in their order there, equal values only once. */
  Bytes lay() {
    List<Entry> sorted = new ArrayList<>(entries);
    sorted.sort(
        Comparator.comparingInt((Entry e) -> e.member.file)
            .thenComparingInt(e -> e.fragment.order()));
    ByteWriter content = new ByteWriter();
    Map<Bytes, Long> values = new HashMap<>();
    for (Entry entry : sorted) {
      Fragment fragment = entry.fragment;
      boolean merged = fragment.sharing() == Fragment.Sharing.MERGED;
      Long known = merged ? values.get(fragment.bytes()) : null;
      if (known == null) {
        if (merged) {
          content.align((int) fragment.alignment());
        }
        known = (long) content.size();
        content.bytes(fragment.bytes());
        values.put(fragment.bytes(), known);
      }
      offsets.put(entry.member, known);
    }
    return content.toBytes();
  }

  /** Where each member begins. */
  Map<Member, Long> offsets() {
    return offsets;
  }
}
