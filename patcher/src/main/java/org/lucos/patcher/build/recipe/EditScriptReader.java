package org.lucos.patcher.build.recipe;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import org.lucos.patcher.build.recipe.EditScript.Action;
import org.lucos.patcher.build.recipe.EditScript.Edit;
import org.lucos.patcher.build.recipe.EditScript.Expectation;
import org.lucos.patcher.build.recipe.EditScript.Trial;
import org.lucos.patcher.bytes.MalformedDataException;

/**
 * Reads {@code *.edit} files: {@code key: value} lines, {@code #} comments, and text on lines that
 * begin with {@code |}. {@code title}, {@code shows}, {@code expect}, {@code try} and {@code
 * answer} come first; then for each edit {@code file}, {@code function} (stays in force for later
 * edits of the file), one of {@code replace}, {@code before}, {@code after}, {@code above}, and the
 * text.
 */
final class EditScriptReader {
  private static final Set<String> ACTIONS = Set.of("replace", "before", "after", "above");

  private final String name;
  private final String[] lines;
  private final Map<String, String> head = new HashMap<>();
  private final List<Edit> edits = new ArrayList<>();
  private int at;

  private EditScriptReader(String name, String text) {
    this.name = name;
    this.lines = text.split("\n", -1);
  }

  static EditScript read(String name, String text) {
    return new EditScriptReader(name, text).read();
  }

  private EditScript read() {
    Optional<String> file = Optional.empty();
    Optional<String> function = Optional.empty();
    while (at < lines.length) {
      String line = lines[at];
      if (line.isBlank() || line.startsWith("#")) {
        at++;
        continue;
      }
      int colon = line.indexOf(':');
      if (colon < 1) {
        throw bad("neither 'key: value' nor text");
      }
      String key = line.substring(0, colon).strip();
      String value = line.substring(colon + 1).strip();
      at++;
      if (key.equals("file")) {
        file = Optional.of(value);
        function = Optional.empty();
      } else if (key.equals("function")) {
        function = value.isEmpty() ? Optional.empty() : Optional.of(value);
      } else if (ACTIONS.contains(key)) {
        String path = file.orElseThrow(() -> bad("an edit before any 'file:'"));
        Action action = Action.valueOf(key.toUpperCase(Locale.ROOT));
        edits.add(new Edit(path, function, action, pattern(value), text()));
      } else if (Set.of("title", "shows", "expect", "try", "answer").contains(key)) {
        head.put(key, value);
      } else {
        throw bad("unknown key '" + key + "'");
      }
    }
    if (edits.isEmpty()) {
      throw bad("no edits");
    }
    return new EditScript(name, need("title"), need("shows"), expectation(), trial(), edits);
  }

  private String pattern(String value) {
    try {
      return Pattern.compile(value).pattern();
    } catch (PatternSyntaxException e) {
      throw bad("no pattern: " + e.getDescription());
    }
  }

  private String text() {
    List<String> text = new ArrayList<>();
    while (at < lines.length && lines[at].startsWith("|")) {
      String line = lines[at++].substring(1);
      text.add(line.startsWith(" ") ? line.substring(1) : line);
    }
    return String.join("\n", text);
  }

  private Expectation expectation() {
    String value = head.getOrDefault("expect", "patch");
    return switch (value) {
      case "patch" -> Expectation.PATCH;
      case "nothing-changed" -> Expectation.NOTHING_CHANGED;
      case "type-changed" -> Expectation.TYPE_CHANGED;
      case "unsupported-change" -> Expectation.UNSUPPORTED_CHANGE;
      default -> throw bad("unknown expectation '" + value + "'");
    };
  }

  private Optional<Trial> trial() {
    return head.containsKey("try") || head.containsKey("answer")
        ? Optional.of(new Trial(need("try"), pattern(need("answer"))))
        : Optional.empty();
  }

  private String need(String key) {
    String value = head.get(key);
    if (value == null) {
      throw bad("no '" + key + ":'");
    }
    return value;
  }

  /** Offsets in these errors are line numbers. */
  private MalformedDataException bad(String problem) {
    return new MalformedDataException(name + ".edit", at, problem);
  }
}
