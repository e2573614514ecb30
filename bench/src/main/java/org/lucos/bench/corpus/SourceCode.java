package org.lucos.bench.corpus;

/** C text as the compiler sees it. */
final class SourceCode {
  private SourceCode() {}

  /**
   * The text without comments; line numbers stay. Strings and character constants are left alone.
   * Blanks at line ends go, so that a comment behind code makes no difference.
   */
  static String withoutComments(String text) {
    StringBuilder code = new StringBuilder(text.length());
    int at = 0;
    while (at < text.length()) {
      char c = text.charAt(at);
      if (text.startsWith("/*", at)) {
        int end = text.indexOf("*/", at + 2);
        end = end < 0 ? text.length() : end + 2;
        code.append(' ');
        text.substring(at, end).chars().filter(x -> x == '\n').forEach(x -> code.append('\n'));
        at = end;
      } else if (text.startsWith("//", at)) {
        int end = text.indexOf('\n', at);
        at = end < 0 ? text.length() : end;
      } else if (c == '"' || c == '\'') {
        int end = endOfQuoted(text, at);
        code.append(text, at, end);
        at = end;
      } else {
        code.append(c);
        at++;
      }
    }
    return code.toString().replaceAll("[ \t]+(?=\n|\\z)", "");
  }

  private static int endOfQuoted(String text, int start) {
    char quote = text.charAt(start);
    for (int at = start + 1; at < text.length(); at++) {
      char c = text.charAt(at);
      if (c == '\\') {
        at++;
      } else if (c == quote) {
        return at + 1;
      } else if (c == '\n') {
        return at; // an apostrophe in "#error don't"
      }
    }
    return text.length();
  }
}
