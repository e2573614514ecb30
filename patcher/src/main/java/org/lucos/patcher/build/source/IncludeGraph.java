package org.lucos.patcher.build.source;

import com.google.common.collect.ImmutableListMultimap;
import com.google.common.collect.ImmutableSet;
import com.google.common.collect.ListMultimap;
import com.google.common.collect.MultimapBuilder;
import java.util.ArrayDeque;
import java.util.Collection;
import java.util.Deque;
import java.util.LinkedHashSet;
import java.util.Set;

/**
 * Which file includes which, whatever the conditions: more than any compilation reads. Files are
 * named by their paths from the source's root; generated ones by those from the output directory's.
 *
 * @param includes by file: the files it may include
 */
public record IncludeGraph(ImmutableListMultimap<String, String> includes) {

  /** A file for each line, then what it includes, separated by tabs. */
  public static IncludeGraph parse(String text) {
    ImmutableListMultimap.Builder<String, String> includes = ImmutableListMultimap.builder();
    text.lines()
        .forEach(
            line -> {
              String[] files = line.split("\t", -1);
              for (int i = 1; i < files.length; i++) {
                includes.put(files[0], files[i]);
              }
            });
    return new IncludeGraph(includes.build());
  }

  /** As {@link #parse} reads it. */
  public String text() {
    StringBuilder text = new StringBuilder();
    includes
        .asMap()
        .forEach(
            (file, included) ->
                text.append(file).append('\t').append(String.join("\t", included)).append('\n'));
    return text.toString();
  }

  /** The files that include one of {@code files}, directly or not, and these. */
  public ImmutableSet<String> includers(Collection<String> files) {
    ListMultimap<String, String> back = MultimapBuilder.hashKeys().arrayListValues().build();
    includes.forEach((file, included) -> back.put(included, file));
    return reach(files, back);
  }

  /** The files that {@code files} include, directly or not, and these. */
  public ImmutableSet<String> included(Collection<String> files) {
    return reach(files, includes);
  }

  private static ImmutableSet<String> reach(
      Collection<String> files, ListMultimap<String, String> arrows) {
    Set<String> reached = new LinkedHashSet<>(files);
    Deque<String> open = new ArrayDeque<>(files);
    while (!open.isEmpty()) {
      for (String next : arrows.get(open.remove())) {
        if (reached.add(next)) {
          open.add(next);
        }
      }
    }
    return ImmutableSet.copyOf(reached);
  }
}
