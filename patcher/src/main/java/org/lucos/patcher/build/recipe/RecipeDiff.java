package org.lucos.patcher.build.recipe;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import org.lucos.patcher.build.CFunctions;
import org.lucos.patcher.build.CFunctions.CFunction;
import org.lucos.patcher.build.DiffTool;
import org.lucos.patcher.build.LineHunk;

/**
 * The part of the difference between two versions of a file that lies in some functions. So a fix
 * is taken out of a newer source package without the unrelated changes of the same file.
 */
final class RecipeDiff {
  private final DiffTool diff;

  RecipeDiff(DiffTool diff) {
    this.diff = diff;
  }

  /**
   * {@code before} with those changes of {@code after} that touch the named functions of either
   * side; functions only {@code after} has are taken whole.
   *
   * @param only when given, just the runs of changed lines in which this is found, on either side
   */
  String select(String before, String after, List<String> functions, Optional<Pattern> only) {
    List<CFunction> old = named(before, functions);
    List<CFunction> fresh = named(after, functions);
    String[] newLines = after.split("\n", -1);
    String result = before;
    List<LineHunk> runs = diff.runs(before, after);
    // From the end, so that earlier line numbers stay valid.
    for (int i = runs.size() - 1; i >= 0; i--) {
      LineHunk run = runs.get(i);
      boolean oldInside = touches(old, run.oldStart(), run.oldCount());
      boolean newInside = touches(fresh, run.newStart(), run.newCount());
      if ((oldInside || newInside) && wanted(before, after, run, only)) {
        // Between functions only whole new functions are taken, not what was added beside them.
        boolean beside = run.oldCount() == 0 && !oldInside;
        List<String> replacement =
            beside
                ? within(fresh, newLines, run)
                : Arrays.asList(newLines).subList(run.newStart() - 1, run.newEnd() - 1);
        result = SourceText.replaceLines(result, run.oldStart(), run.oldEnd() - 1, replacement);
      }
    }
    return result;
  }

  private static List<CFunction> named(String text, List<String> functions) {
    CFunctions all = CFunctions.of(text);
    List<CFunction> found = new ArrayList<>();
    functions.forEach(name -> all.find(name).ifPresent(found::add));
    return found;
  }

  private static boolean touches(List<CFunction> functions, int start, int count) {
    // An insertion lies before line "start": inside if that line is not the function's first.
    int end = start + Math.max(count, 1) - 1;
    return functions.stream()
        .anyMatch(
            function ->
                count == 0
                    ? start > function.firstLine() && start <= function.lastLine()
                    : end >= function.firstLine() && start <= function.lastLine());
  }

  /** The lines of a run that belong to the functions, each function followed by an empty line. */
  private static List<String> within(List<CFunction> functions, String[] lines, LineHunk run) {
    List<String> taken = new ArrayList<>();
    for (CFunction function : functions) {
      boolean whole = function.firstLine() >= run.newStart() && function.lastLine() < run.newEnd();
      if (whole) {
        taken.addAll(Arrays.asList(lines).subList(function.firstLine() - 1, function.lastLine()));
        taken.add("");
      }
    }
    return taken;
  }

  private static boolean wanted(String before, String after, LineHunk run, Optional<Pattern> only) {
    if (only.isEmpty()) {
      return true;
    }
    String lines =
        SourceText.lines(before, run.oldStart(), run.oldEnd() - 1)
            + "\n"
            + SourceText.lines(after, run.newStart(), run.newEnd() - 1);
    return only.get().matcher(lines).find();
  }
}
