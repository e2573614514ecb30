package org.lucos.patcher.build.source;

import com.google.common.base.Strings;
import com.google.common.collect.ImmutableList;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntPredicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.lucos.patcher.build.source.Declaration.Kind;

/**
 * Splits C source into what stands at the outermost level, before or after preprocessing. Of text
 * with {@code #if}, all branches are read; each begins at the depth of brackets where the {@code
 * #if} was.
 */
final class Declarations {
  private static final Pattern DEFINE = Pattern.compile("#\\s*define\\s+(\\w+).*", Pattern.DOTALL);

  /**
   * A place at which a text may be cut: a line's end at which nothing is open.
   *
   * @param at characters from the beginning of the text
   * @param before how many declarations lie before it
   */
  private record Cut(int at, int before) {}

  private final String text;
  private final IntPredicate last;
  private final List<Declaration> found = new ArrayList<>();
  private final List<Cut> cuts = new ArrayList<>();
  private final StringBuilder piece = new StringBuilder();
  private final Deque<Integer> conditions = new ArrayDeque<>();
  private int at;
  private int depth;
  private int body = -1;
  private int assignment = -1;
  private boolean lineStart = true;
  private boolean done;

  private Declarations(String text, int from, IntPredicate last) {
    this.text = text;
    this.at = from;
    this.last = last;
    split();
  }

  /** Reads a text. */
  static Declarations read(String text) {
    return new Declarations(text, 0, cut -> false);
  }

  /** The declarations of a text, in order. */
  static ImmutableList<Declaration> of(String text) {
    return read(text).all();
  }

  /** The declarations, in order. */
  ImmutableList<Declaration> all() {
    return ImmutableList.copyOf(found);
  }

  /**
   * The declarations of a text that differs from this one in few places. What lies before the first
   * and behind the last difference is not read again: it is the same objects.
   */
  ImmutableList<Declaration> edited(String after) {
    int begin = Strings.commonPrefix(text, after).length();
    int most = Math.min(text.length(), after.length()) - begin;
    int end = after.length() - Math.min(most, Strings.commonSuffix(text, after).length());
    Cut first = new Cut(0, 0);
    Map<Integer, Cut> behind = new HashMap<>();
    for (Cut cut : cuts) {
      int there = cut.at() + after.length() - text.length();
      if (cut.at() < begin) {
        first = cut;
      } else if (there >= end) {
        behind.put(there, cut);
      }
    }
    Declarations middle = new Declarations(after, first.at(), behind::containsKey);
    Cut rest = middle.done ? behind.get(middle.at) : null;
    return ImmutableList.<Declaration>builder()
        .addAll(found.subList(0, first.before()))
        .addAll(middle.found)
        .addAll(rest == null ? List.of() : found.subList(rest.before(), found.size()))
        .build();
  }

  private void split() {
    while (at < text.length() && !done) {
      char c = text.charAt(at);
      if (c == '\n') {
        lineStart = true;
        blank();
        at++;
      } else if (Character.isWhitespace(c)) {
        blank();
        at++;
      } else if (c == '/' && next() == '*') {
        int end = text.indexOf("*/", at + 2);
        at = end < 0 ? text.length() : end + 2;
        blank();
      } else if (c == '/' && next() == '/') {
        at = lineEnd(at);
      } else if (c == '#' && lineStart) {
        directive();
      } else {
        lineStart = false;
        if (c == '"' || c == '\'') {
          literal(c);
        } else {
          character(c);
        }
      }
    }
    end();
  }

  private char next() {
    return at + 1 < text.length() ? text.charAt(at + 1) : '\0';
  }

  private void blank() {
    if (piece.length() > 0 && piece.charAt(piece.length() - 1) != ' ') {
      piece.append(' ');
    }
  }

  /** The end of a line that may be continued with backslashes. */
  private int lineEnd(int from) {
    int end = text.indexOf('\n', from);
    while (end > 0 && text.charAt(end - 1) == '\\') {
      end = text.indexOf('\n', end + 1);
    }
    return end < 0 ? text.length() : end;
  }

  private void literal(char quote) {
    int start = at++;
    while (at < text.length() && text.charAt(at) != quote && text.charAt(at) != '\n') {
      at += text.charAt(at) == '\\' ? 2 : 1;
    }
    at = Math.min(at + 1, text.length());
    piece.append(text, start, at);
  }

  private void character(char c) {
    at++;
    switch (c) {
      case '(', '[', '{' -> {
        if (c == '{' && depth == 0 && body < 0) {
          body = piece.length();
        }
        depth++;
        piece.append(c);
      }
      case ')', ']', '}' -> {
        depth = Math.max(0, depth - 1);
        piece.append(c);
        if (c == '}' && depth == 0 && isFunction()) {
          end();
          cut();
        }
      }
      case ';' -> {
        piece.append(c);
        if (depth == 0) {
          end();
          cut();
        }
      }
      case '=' -> {
        if (depth == 0 && assignment < 0) {
          assignment = piece.length();
        }
        piece.append(c);
      }
      case '\\' -> blank(); // a line continued
      default -> piece.append(c);
    }
  }

  private void directive() {
    int end = lineEnd(at);
    String line = blankless(text.substring(at, end));
    at = end;
    condition(line.substring(1).strip());
    Matcher define = DEFINE.matcher(line);
    if (define.matches()) {
      found.add(new Declaration(Kind.MACRO, List.of(define.group(1)), line));
    }
    if (piece.length() > 0) {
      piece.append(line).append(' ');
    } else if (!define.matches()) {
      found.add(new Declaration(Kind.DIRECTIVE, List.of(), line));
    }
  }

  private void condition(String line) {
    if (line.startsWith("if")) {
      conditions.push(depth);
    } else if (line.startsWith("el") && !conditions.isEmpty()) {
      depth = conditions.peek();
    } else if (line.startsWith("endif") && !conditions.isEmpty()) {
      conditions.pop();
    }
  }

  private static String blankless(String line) {
    return line.replace("\\\n", " ")
        .replaceAll("(?s)/\\*.*?(\\*/|$)", " ")
        .replaceAll("//.*", " ")
        .replaceAll("\\s+", " ")
        .strip();
  }

  private boolean isFunction() {
    return body >= 0 && assignment < 0 && DeclarationNames.isFunctionHead(piece.substring(0, body));
  }

  /** Behind a declaration: everything is as at the beginning of a text, if a line ends here. */
  private void cut() {
    if (conditions.isEmpty() && at < text.length() && text.charAt(at) == '\n') {
      cuts.add(new Cut(at, found.size()));
      done = last.test(at);
    }
  }

  private void end() {
    String all = piece.toString().strip();
    if (!all.isEmpty()) {
      String head = body < 0 ? all : piece.substring(0, body).strip();
      found.add(DeclarationNames.declaration(head, all, body >= 0, assignment >= 0));
    }
    piece.setLength(0);
    body = -1;
    assignment = -1;
    depth = 0;
  }
}
