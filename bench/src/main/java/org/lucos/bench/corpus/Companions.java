package org.lucos.bench.corpus;

import com.google.common.collect.HashMultimap;
import com.google.common.collect.SetMultimap;
import com.google.common.collect.Sets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.lucos.bench.corpus.ChangedFile.Change;
import org.lucos.patcher.build.DiffTool;
import org.lucos.patcher.build.LineHunk;

/**
 * Which changed headers a changed C file cannot be compiled without: added ones that it does not
 * find, else those that have gained a word it does not find, else those that changed a line about a
 * function it finds other than expected or about a member it does not find, else those the file
 * includes by name.
 */
final class Companions {
  private static final Pattern WORD = Pattern.compile("[A-Za-z_]\\w{2,}");
  private static final Pattern QUOTED = Pattern.compile("['\u2018](\\w+)['\u2019]");

  /** Words of the language, which compilers quote too and many headers have. */
  private static final Set<String> LANGUAGE =
      Set.of("sizeof", "typeof", "inline", "static", "struct", "union", "enum", "const", "bool");

  /** Names that are older than the change: a function's prototype, another structure's member. */
  private static final Pattern OLDER =
      Pattern.compile("(?:function|argument \\d+ of|no member named) ['\u2018](\\w+)['\u2019]");

  private static final Pattern ABSENT =
      Pattern.compile("error: (?:\\.\\.?/)*([\\w./-]+\\.h): No such file");

  private static final Pattern INCLUDE =
      Pattern.compile("(?m)^\\s*#\\s*include\\s*([<\"])([^>\"]+)[>\"]");

  private final Map<String, ChangedFile> headers = new LinkedHashMap<>();
  private final SetMultimap<String, ChangedFile> gained = HashMultimap.create();
  private final SetMultimap<String, ChangedFile> touched = HashMultimap.create();

  Companions(Corpus corpus, DiffTool diff) {
    for (ChangedFile file : corpus.files()) {
      if (file.path().endsWith(".h")
          && file.area() != Area.OTHER
          && file.change() != Change.REMOVED
          && (!file.path().startsWith("arch/") || file.path().startsWith("arch/x86/"))) {
        headers.put(file.path(), file);
        String before = SourceCode.withoutComments(corpus.textBefore(file));
        String after = SourceCode.withoutComments(corpus.textAfter(file));
        Set<String> old = words(before);
        for (String word : words(newLines(diff, before, after))) {
          (old.contains(word) ? touched : gained).put(word, file);
        }
      }
    }
  }

  /** A header, and why: the word it brings. */
  record Companion(ChangedFile header, String word) {}

  /**
   * The headers that a file's compile errors ask for.
   *
   * @param path of the C file
   * @param text of the C file
   */
  List<Companion> of(String path, String text, String errors) {
    List<Companion> found = absent(errors);
    if (found.isEmpty()) {
      found = about(path, words(QUOTED, errors), gained::get);
    }
    if (found.isEmpty()) {
      found = about(path, words(OLDER, errors), touched::get);
    }
    if (found.isEmpty()) {
      found = included(path, text);
    }
    return found;
  }

  private List<Companion> absent(String errors) {
    List<Companion> found = new ArrayList<>();
    Matcher absent = ABSENT.matcher(errors);
    while (absent.find()) {
      String end = "/" + absent.group(1);
      headers.values().stream()
          .filter(header -> header.change() == Change.ADDED)
          .filter(header -> ("/" + header.path()).endsWith(end))
          .forEach(header -> found.add(new Companion(header, absent.group(1))));
    }
    return found;
  }

  private static List<Companion> about(
      String path, Set<String> asked, Function<String, Set<ChangedFile>> having) {
    Map<ChangedFile, Companion> companions = new LinkedHashMap<>();
    for (String word : Sets.difference(asked, LANGUAGE)) {
      having.apply(word).stream()
          .filter(header -> isNear(path, header.path()))
          .forEach(header -> companions.putIfAbsent(header, new Companion(header, word)));
    }
    return new ArrayList<>(companions.values());
  }

  private List<Companion> included(String path, String text) {
    Map<ChangedFile, Companion> companions = new LinkedHashMap<>();
    Matcher include = INCLUDE.matcher(text);
    while (include.find()) {
      String name = include.group(2);
      for (String place : places(path, name)) {
        ChangedFile header = headers.get(place);
        if (header != null) {
          companions.putIfAbsent(header, new Companion(header, name));
        }
      }
    }
    return new ArrayList<>(companions.values());
  }

  /** Beside the file, in a directory above it (drivers include from their own root), or for all. */
  private static List<String> places(String path, String name) {
    List<String> places = new ArrayList<>();
    for (int end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) {
      places.add(path.substring(0, end + 1) + name);
    }
    places.add("include/" + name);
    places.add("arch/x86/include/" + name);
    return places;
  }

  /** A header a file may include: of the whole kernel, or of its own part of it. */
  private static boolean isNear(String path, String header) {
    String top = header.substring(0, header.lastIndexOf('/') + 1);
    return header.startsWith("include/") || header.contains("/include/") || path.startsWith(top);
  }

  /** Lines that are new where they are: a member may have moved to another structure. */
  private static String newLines(DiffTool diff, String before, String after) {
    List<String> lines = List.of(after.split("\n", -1));
    StringBuilder fresh = new StringBuilder();
    for (LineHunk run : diff.runs(before, after)) {
      int end = Math.min(run.newEnd() - 1, lines.size());
      lines.subList(run.newStart() - 1, end).forEach(line -> fresh.append(line).append('\n'));
    }
    return fresh.toString();
  }

  private static Set<String> words(String text) {
    return words(WORD, text);
  }

  private static Set<String> words(Pattern pattern, String text) {
    Set<String> words = new LinkedHashSet<>();
    Matcher matcher = pattern.matcher(text);
    while (matcher.find()) {
      words.add(matcher.group(matcher.groupCount()));
    }
    return words;
  }
}
