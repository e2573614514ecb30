package org.lucos.patcher.build.recipe;

import com.google.common.collect.ImmutableList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.UnaryOperator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.lucos.patcher.build.CFunctions;
import org.lucos.patcher.build.CFunctions.CFunction;
import org.lucos.patcher.refusal.InputRefusal;
import org.lucos.patcher.refusal.RefusedException;

/**
 * A patch of this project's own, said without quoting kernel source: where and what, as a function
 * and a pattern. Turned into a diff against the source of any kernel that has the function.
 *
 * @param name short; the file's name
 * @param title one line for people
 * @param shows what it changes that can be seen
 * @param expectation what comes of building it
 * @param trial how to see it in a guest
 * @param edits in the order to do them
 */
public record EditScript(
    String name,
    String title,
    String shows,
    Expectation expectation,
    Optional<Trial> trial,
    List<Edit> edits) {
  public EditScript {
    edits = ImmutableList.copyOf(edits);
  }

  /**
   * A way to see the patch at work.
   *
   * @param command for a root shell in the guest; {@code probe} is {@code mechanism/probe.c}
   *     compiled
   * @param answer a pattern found in its output when the patch is applied, and not otherwise
   */
  public record Trial(String command, String answer) {}

  /** What building a script must end in. */
  public enum Expectation {
    /** A patch object. */
    PATCH,
    /** Refusal {@code nothing-changed}. */
    NOTHING_CHANGED,
    /** Refusal {@code type-changed}. */
    TYPE_CHANGED,
    /** Refusal {@code unsupported-change}. */
    UNSUPPORTED_CHANGE
  }

  /** What an edit does with the place its pattern finds. */
  public enum Action {
    /** Puts the text in place of what the pattern matches. */
    REPLACE,
    /** Puts the text on lines of its own above the line where the match begins. */
    BEFORE,
    /** Puts the text on lines of its own below the line where the match ends. */
    AFTER,
    /** Puts the text above the function; needs no pattern. */
    ABOVE
  }

  /**
   * One edit.
   *
   * @param file path in the source
   * @param function the function the pattern is looked for in; the whole file when empty
   * @param action what to do
   * @param pattern a regular expression that must match exactly once
   * @param text what to put there
   */
  public record Edit(
      String file, Optional<String> function, Action action, String pattern, String text) {}

  /**
   * The files this script changes, edited.
   *
   * @param source gives the original text of a file
   * @return by path; files in the order of their paths
   * @throws RefusedException {@code PatchDoesNotApply} when a function or pattern is not found
   */
  public Map<String, String> apply(UnaryOperator<String> source) {
    Map<String, String> texts = new TreeMap<>();
    for (Edit edit : edits) {
      String before = texts.computeIfAbsent(edit.file(), source);
      texts.put(edit.file(), apply(edit, before));
    }
    return texts;
  }

  private String apply(Edit edit, String text) {
    int from = 0;
    int to = text.length();
    if (edit.function().isPresent()) {
      String name = edit.function().get();
      CFunction function =
          CFunctions.of(text).find(name).orElseThrow(() -> fails(edit, "no single " + name + "()"));
      from = offset(text, function.firstLine());
      to = offset(text, function.lastLine() + 1);
    }
    if (edit.action() == Action.ABOVE) {
      return text.substring(0, from) + edit.text() + "\n\n" + text.substring(from);
    }
    Matcher matcher = Pattern.compile(edit.pattern()).matcher(text).region(from, to);
    if (!matcher.find()) {
      throw fails(edit, "nothing matches " + edit.pattern());
    }
    int start = matcher.start();
    int end = matcher.end();
    String replacement = replacement(matcher, edit);
    if (matcher.find()) {
      throw fails(edit, "more than one place matches " + edit.pattern());
    }
    return switch (edit.action()) {
      case REPLACE -> text.substring(0, start) + replacement + text.substring(end);
      case BEFORE -> insert(text, text.lastIndexOf('\n', start) + 1, replacement);
      case AFTER -> insert(text, text.indexOf('\n', end) + 1, replacement);
      case ABOVE -> throw new IllegalStateException("done above");
    };
  }

  private static String insert(String text, int at, String lines) {
    return text.substring(0, at) + lines + "\n" + text.substring(at);
  }

  /** The text with {@code $1} and so on filled in from the match. */
  private static String replacement(Matcher matcher, Edit edit) {
    String result = edit.text();
    for (int group = 1; group <= matcher.groupCount(); group++) {
      String value = matcher.group(group);
      result = result.replace("$" + group, value == null ? "" : value);
    }
    return result;
  }

  private static int offset(String text, int line) {
    int at = 0;
    for (int i = 1; i < line; i++) {
      int end = text.indexOf('\n', at);
      if (end < 0) {
        return text.length();
      }
      at = end + 1;
    }
    return at;
  }

  private RefusedException fails(Edit edit, String why) {
    return new RefusedException(
        new InputRefusal.PatchDoesNotApply(edit.file(), "edit script " + name + ": " + why));
  }
}
