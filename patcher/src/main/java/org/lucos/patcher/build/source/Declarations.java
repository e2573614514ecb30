package org.lucos.patcher.build.source;

import com.google.common.collect.ImmutableList;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
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

  private final String text;
  private final List<Declaration> found = new ArrayList<>();
  private final StringBuilder piece = new StringBuilder();
  private final Deque<Integer> conditions = new ArrayDeque<>();
  private int at;
  private int depth;
  private int body = -1;
  private int assignment = -1;
  private boolean lineStart = true;

  private Declarations(String text) {
    this.text = text;
  }

  /** The declarations of a text, in order. */
  static ImmutableList<Declaration> of(String text) {
    return ImmutableList.copyOf(new Declarations(text).split());
  }

  private List<Declaration> split() {
    while (at < text.length()) {
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
    return found;
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
        }
      }
      case ';' -> {
        piece.append(c);
        if (depth == 0) {
          end();
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
