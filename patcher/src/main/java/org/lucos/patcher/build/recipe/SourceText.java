package org.lucos.patcher.build.recipe;

import java.util.ArrayList;
import java.util.List;

/** Texts as lines, and unified diffs between them. */
final class SourceText {
  private SourceText() {}

  /** Lines first to last, counting from 1, both included. */
  static String lines(String text, int first, int last) {
    return String.join("\n", List.of(text.split("\n", -1)).subList(first - 1, last));
  }

  /** The text with lines first to last replaced; an empty replacement deletes them. */
  static String replaceLines(String text, int first, int last, List<String> replacement) {
    List<String> lines = new ArrayList<>(List.of(text.split("\n", -1)));
    List<String> range = lines.subList(first - 1, last);
    range.clear();
    lines.addAll(first - 1, replacement);
    return String.join("\n", lines);
  }
}
