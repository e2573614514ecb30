package org.lucos.patcher.build.source;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.lucos.patcher.build.source.Declaration.Kind;

/** What a declaration is and which names it introduces, told from its text. */
final class DeclarationNames {
  /** Words followed by an argument list that say something about what is declared. */
  private static final Pattern ANNOTATION =
      Pattern.compile(
          "__attribute(__)?|__aligned|__printf|__scanf|__acquires|__releases|__must_hold"
              + "|__cond_acquires|__section|__alloc_size|__realloc_size|__malloc|__assume_aligned"
              + "|__no_sanitize|__counted_by|__nonnull|_Alignas|__alignof__|(__)?typeof(__)?"
              + "|(__)?asm(__)?|__error|__compiletime_error|__compiletime_warning|__context__"
              + "|__diag_\\w+|__access");

  private static final Pattern AGGREGATE =
      Pattern.compile(
          "^(?:(?:typedef|static|const|extern|volatile|__extension__) )*(struct|union|enum)\\b");
  private static final Pattern WORD = Pattern.compile("[A-Za-z_]\\w*");

  private DeclarationNames() {}

  static boolean isFunctionHead(String head) {
    return !head.startsWith("typedef") && !called(head).isEmpty();
  }

  static Declaration declaration(String head, String all, boolean body, boolean assignment) {
    if (all.equals(";")
        || all.startsWith("_Static_assert")
        || all.startsWith("static_assert")
        || (!body && all.matches("(struct|union|enum) \\w+ ?;"))) {
      return new Declaration(Kind.EMPTY, List.of(), all);
    }
    if (all.startsWith("typedef")) {
      return new Declaration(Kind.TYPE, typedefName(all), all);
    }
    if (assignment || startsWithCall(all)) {
      return new Declaration(Kind.OTHER, List.of(), all);
    }
    List<String> called = called(head);
    if (!called.isEmpty()) {
      return body
          ? new Declaration(Kind.FUNCTION, new java.util.LinkedHashSet<>(called), head, all)
          : new Declaration(Kind.PROTOTYPE, called, all);
    }
    Matcher aggregate = AGGREGATE.matcher(head);
    if (body && aggregate.find()) {
      return new Declaration(
          Kind.TYPE, tag(head.substring(aggregate.start(1)), aggregate.group(1)), all);
    }
    if (!body && all.startsWith("extern ")) {
      return new Declaration(Kind.PROTOTYPE, lastWord(all.replaceAll("\\[[^]]*]", "")), all);
    }
    return new Declaration(Kind.OTHER, List.of(), all);
  }

  /** A macro that stands by itself, or first: nobody knows what it declares. */
  private static boolean startsWithCall(String all) {
    Matcher first = WORD.matcher(all);
    if (!first.lookingAt() || ANNOTATION.matcher(first.group()).matches()) {
      return false;
    }
    int next = first.end();
    while (next < all.length() && all.charAt(next) == ' ') {
      next++;
    }
    return next < all.length() && all.charAt(next) == '(';
  }

  /** Words before an argument list at the outermost level, annotations left out. */
  private static List<String> called(String head) {
    List<String> names = new ArrayList<>();
    int depth = 0;
    int wordStart = -1;
    int wordEnd = -1;
    for (int i = 0; i < head.length(); i++) {
      char c = head.charAt(i);
      if (depth == 0 && Words.isWord(c)) {
        wordStart = i > 0 && Words.isWord(head.charAt(i - 1)) ? wordStart : i;
        wordEnd = i + 1;
      } else if (c == '(') {
        boolean directly = wordEnd >= 0 && head.substring(wordEnd, i).isBlank();
        if (depth == 0 && directly) {
          String word = head.substring(wordStart, wordEnd);
          if (!ANNOTATION.matcher(word).matches()) {
            names.add(word);
          }
        }
        depth++;
      } else if (c == ')') {
        depth--;
      } else if (depth == 0 && c != ' ') {
        wordEnd = -1;
      }
    }
    return names;
  }

  /** A tag with its kind; for one without, all words in it: who uses one of them is concerned. */
  private static List<String> tag(String head, String kind) {
    String rest =
        head.substring(kind.length())
            .replaceAll("__attribute__ ?\\(\\(.*?\\)\\)( |$)|__\\w+(\\([^)]*\\))? ", " ")
            .strip();
    Matcher word = WORD.matcher(rest);
    return word.lookingAt() ? List.of(word.group()) : List.of();
  }

  private static List<String> typedefName(String all) {
    Matcher pointer = Pattern.compile("\\(\\s*\\*\\s*(\\w+)\\s*\\)\\s*\\(").matcher(all);
    if (!all.contains("{") && pointer.find()) {
      return List.of(pointer.group(1));
    }
    return lastWord(
        all.substring(all.lastIndexOf('}') + 1)
            .replaceAll("__attribute__ ?\\(\\(.*\\)\\)|\\([^()]*\\)|\\[[^]]*]|__\\w+", ""));
  }

  private static List<String> lastWord(String text) {
    Matcher words = WORD.matcher(text);
    String last = "";
    while (words.find()) {
      last = words.group();
    }
    return last.isEmpty() ? List.of() : List.of(last);
  }
}
