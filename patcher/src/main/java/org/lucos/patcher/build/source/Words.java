package org.lucos.patcher.build.source;

import java.util.HashSet;
import java.util.Set;

/** Identifiers in text. */
final class Words {
  private Words() {}

  static boolean isWord(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  }

  /** Where {@code word} stands by itself, from {@code from} on; -1 if nowhere. */
  static int find(String text, String word, int from) {
    int at = text.indexOf(word, from);
    while (at >= 0) {
      int end = at + word.length();
      boolean alone =
          (at == 0 || !isWord(text.charAt(at - 1)))
              && (end == text.length() || !isWord(text.charAt(end)));
      if (alone) {
        return at;
      }
      at = text.indexOf(word, at + 1);
    }
    return -1;
  }

  static boolean contains(String text, String word) {
    return find(text, word, 0) >= 0;
  }

  static boolean containsAny(String text, Set<String> words) {
    for (String word : words) {
      if (contains(text, word)) {
        return true;
      }
    }
    return false;
  }

  /** All words of a text, numbers among them. */
  static Set<String> of(String text) {
    Set<String> words = new HashSet<>();
    int start = -1;
    for (int i = 0; i <= text.length(); i++) {
      boolean inWord = i < text.length() && isWord(text.charAt(i));
      if (inWord && start < 0) {
        start = i;
      } else if (!inWord && start >= 0) {
        words.add(text.substring(start, i));
        start = -1;
      }
    }
    return words;
  }
}
