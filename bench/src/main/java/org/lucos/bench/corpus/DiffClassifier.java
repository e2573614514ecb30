package org.lucos.bench.corpus;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import org.lucos.bench.corpus.ChangedFile.Change;
import org.lucos.patcher.build.CFunctions;
import org.lucos.patcher.build.CFunctions.CFunction;
import org.lucos.patcher.build.DiffTool;
import org.lucos.patcher.build.LineHunk;

/**
 * Says what kind of change a diff is from the text alone, without asking the builder. A C file's
 * change is <em>code only</em> if, comments aside, every changed line of either side is
 *
 * <ul>
 *   <li>in a function - head and body, new and removed functions included - that is not marked to
 *       run at boot ({@code __init} and its like), and is no static local variable with a value,
 *   <li>or outside of functions and blank, an {@code #include}, a {@code #define}, or a declaration
 *       of a function or of a tag without its body.
 * </ul>
 */
public final class DiffClassifier {
  private static final Pattern BOOT =
      Pattern.compile("\\b__(init|exit|meminit|memexit|cpuinit|devinit|head|net_init|net_exit)\\b");
  private static final Pattern VALUED_STATIC = Pattern.compile("\\s+static\\b[^(]*[={].*");
  private static final Pattern MACRO = Pattern.compile("\\s*#\\s*(define|undef|include)\\b.*");
  private static final Pattern PROTOTYPE =
      Pattern.compile("(?s)[A-Za-z_]\\w*[\\s*]+[\\w\\s*]*\\([^={]*;");
  private static final Pattern TAG = Pattern.compile("(struct|union|enum)\\s+\\w+\\s*;");
  private static final String BOOT_LOADER = "arch/x86/boot/";
  private static final int LONGEST_DECLARATION = 12;

  private final DiffTool diff;

  /** Compares by {@code diff}. */
  public DiffClassifier(DiffTool diff) {
    this.diff = diff;
  }

  /** One version of a file. */
  private record Side(List<String> lines, List<CFunction> functions) {
    static Side of(String code) {
      return new Side(List.of(code.split("\n", -1)), CFunctions.of(code).functions());
    }

    String line(int number) {
      return number >= 1 && number <= lines.size() ? lines.get(number - 1) : "";
    }

    Optional<CFunction> function(int number) {
      return functions.stream()
          .filter(f -> f.firstLine() <= number && number <= f.lastLine())
          .findFirst();
    }

    String head(CFunction function) {
      return String.join(" ", lines.subList(function.firstLine() - 1, function.openLine()));
    }
  }

  /** Classifies a file's change. */
  public Classification classify(ChangedFile file, String before, String after) {
    String path = file.path();
    if (file.area() == Area.OTHER) {
      return new Classification(DiffClass.NOT_CODE, "");
    }
    if (file.change() != Change.CHANGED) {
      return new Classification(DiffClass.ADDED_OR_REMOVED, "");
    }
    if (path.endsWith(".h")) {
      return new Classification(DiffClass.HEADER, "");
    }
    if (path.endsWith(".S")) {
      return new Classification(DiffClass.ASSEMBLY, "");
    }
    String old = SourceCode.withoutComments(before);
    String fresh = SourceCode.withoutComments(after);
    List<LineHunk> runs = diff.runs(old, fresh);
    Side oldSide = Side.of(old);
    Side newSide = Side.of(fresh);
    List<Classification> found = new ArrayList<>();
    for (LineHunk run : runs) {
      for (int line = run.oldStart(); line < run.oldEnd(); line++) {
        add(found, oldSide, line);
      }
      for (int line = run.newStart(); line < run.newEnd(); line++) {
        add(found, newSide, line);
      }
    }
    for (DiffClass worst : List.of(DiffClass.DATA_OR_TYPES, DiffClass.INIT_CODE)) {
      Optional<Classification> first = found.stream().filter(c -> c.kind() == worst).findFirst();
      if (first.isPresent()) {
        return first.get();
      }
    }
    if (found.isEmpty()) {
      return new Classification(DiffClass.COMMENTS, "");
    }
    return path.startsWith(BOOT_LOADER)
        ? new Classification(DiffClass.INIT_CODE, "in " + BOOT_LOADER)
        : new Classification(DiffClass.CODE_ONLY, "");
  }

  /** Adds what a line's change amounts to; nothing for blank lines. */
  private static void add(List<Classification> found, Side side, int number) {
    String line = side.line(number);
    if (line.isBlank()) {
      return;
    }
    String where = number + ": " + line.strip();
    Optional<CFunction> function = side.function(number);
    DiffClass kind = DiffClass.CODE_ONLY;
    if (function.isPresent()) {
      if (BOOT.matcher(side.head(function.get())).find()) {
        kind = DiffClass.INIT_CODE;
      } else if (VALUED_STATIC.matcher(line).matches()) {
        kind = DiffClass.DATA_OR_TYPES;
      }
    } else if (!isHarmless(side, number)) {
      kind = DiffClass.DATA_OR_TYPES;
    }
    found.add(new Classification(kind, kind == DiffClass.CODE_ONLY ? "" : where));
  }

  private static boolean isHarmless(Side side, int number) {
    if (MACRO.matcher(side.line(number)).matches() || continuesMacro(side, number)) {
      return true;
    }
    String declaration = declaration(side, number);
    return !declaration.startsWith("typedef")
        && (PROTOTYPE.matcher(declaration).matches() || TAG.matcher(declaration).matches());
  }

  private static boolean continuesMacro(Side side, int number) {
    int at = number;
    while (at > 1 && side.line(at - 1).endsWith("\\")) {
      at--;
    }
    return at < number && MACRO.matcher(side.line(at)).matches();
  }

  /** The lines around one that make up a declaration. */
  private static String declaration(Side side, int number) {
    int first = number;
    while (number - first < LONGEST_DECLARATION && !endsSomething(side.line(first - 1))) {
      first--;
    }
    int last = number;
    while (last - number < LONGEST_DECLARATION && !endsSomething(side.line(last))) {
      last++;
    }
    return String.join("\n", side.lines().subList(first - 1, Math.min(last, side.lines().size())))
        .strip();
  }

  private static boolean endsSomething(String line) {
    String text = line.strip();
    return text.isEmpty() || text.startsWith("#") || text.endsWith(";") || text.endsWith("}");
  }
}
