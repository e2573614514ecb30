package org.lucos.patcher.build;

import com.google.common.collect.ImmutableList;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.lucos.patcher.refusal.InputRefusal;
import org.lucos.patcher.refusal.RefusedException;

/**
 * A unified diff against a kernel source, as {@code diff -u} and {@code git diff} write it.
 *
 * @param files what it changes, in its order
 */
public record SourceDiff(List<FileChange> files) {
  private static final Pattern HUNK =
      Pattern.compile("@@ -([0-9]{1,8})(?:,([0-9]{1,8}))? \\+([0-9]{1,8})(?:,([0-9]{1,8}))? @@.*");
  // Top-level directories of a kernel source: tell how many leading components a path has too many.
  private static final Set<String> TOP =
      Set.of(
          "Documentation",
          "LICENSES",
          "arch",
          "block",
          "certs",
          "crypto",
          "drivers",
          "fs",
          "include",
          "init",
          "io_uring",
          "ipc",
          "kernel",
          "lib",
          "mm",
          "net",
          "rust",
          "samples",
          "scripts",
          "security",
          "sound",
          "tools",
          "usr",
          "virt");

  /** Keeps its own copy. */
  public SourceDiff {
    files = ImmutableList.copyOf(files);
  }

  /** What a diff does to a file. */
  public enum Action {
    CHANGE,
    CREATE,
    DELETE,
    RENAME
  }

  /**
   * The changes of one file.
   *
   * @param path from the root of the source
   * @param action what is done to it
   * @param hunks the hunks, as they stand in the diff, each line with its newline
   */
  public record FileChange(String path, Action action, String hunks) {
    private static final int LEAST_ANCHOR = 2;

    /**
     * Whether the hunks still say where they belong when {@code fuzz} lines of context at either
     * end are not looked at: at least two old lines of each must be left.
     */
    boolean findsItsPlaceWithFuzz(int fuzz) {
      for (String hunk : hunks.split("(?m)^@@ .*\n", -1)) {
        List<String> old =
            hunk.lines().filter(line -> line.startsWith(" ") || line.startsWith("-")).toList();
        int leading = 0;
        while (leading < Math.min(fuzz, old.size()) && old.get(leading).startsWith(" ")) {
          leading++;
        }
        int trailing = 0;
        while (trailing < Math.min(fuzz, old.size() - leading)
            && old.get(old.size() - 1 - trailing).startsWith(" ")) {
          trailing++;
        }
        if (!hunk.isEmpty() && old.size() - leading - trailing < LEAST_ANCHOR) {
          return false;
        }
      }
      return true;
    }

    /** A diff of this file alone, for {@code patch -p1}. */
    String unified() {
      return "--- a/" + path + "\n+++ b/" + path + "\n" + hunks;
    }
  }

  /**
   * Reads a diff. Text before and between the files' changes, such as a mail's, is skipped.
   *
   * @param source what to call it in errors
   * @throws RefusedException {@code PatchDoesNotApply} for what is no unified diff
   */
  public static SourceDiff parse(String source, String text) {
    return new SourceDiff(new Parser(source, text).parse());
  }

  private static final class Parser {
    private final String source;
    private final String[] lines;
    private final List<FileChange> files = new ArrayList<>();
    private int at;
    private boolean renamed;

    private Parser(String source, String text) {
      this.source = source;
      this.lines = text.replace("\r\n", "\n").split("\n", -1);
    }

    private List<FileChange> parse() {
      while (at < lines.length) {
        String line = lines[at];
        if (line.startsWith("diff --git ")) {
          renamed = false;
          at++;
        } else if (line.startsWith("rename from ")) {
          renamed = true;
          at++;
        } else if (line.startsWith("GIT binary patch") || line.startsWith("Binary files ")) {
          throw bad("binary changes are no source");
        } else if (line.startsWith("--- ") && next().startsWith("+++ ")) {
          file();
        } else if (line.startsWith("@@ -")) {
          throw bad("a hunk without file names before it");
        } else {
          at++;
        }
      }
      if (files.isEmpty()) {
        throw bad("no unified diff found");
      }
      return files;
    }

    private String next() {
      return at + 1 < lines.length ? lines[at + 1] : "";
    }

    private void file() {
      String before = name(lines[at]);
      String after = name(lines[at + 1]);
      at += 2;
      Action action = Action.CHANGE;
      String path = after;
      if (before.equals("/dev/null")) {
        action = Action.CREATE;
      } else if (after.equals("/dev/null")) {
        action = Action.DELETE;
        path = before;
      } else if (renamed) {
        action = Action.RENAME;
      }
      StringBuilder hunks = new StringBuilder();
      while (at < lines.length && lines[at].startsWith("@@ ")) {
        hunk(hunks);
      }
      if (hunks.length() == 0) {
        throw bad("no hunk after the names of " + path);
      }
      files.add(new FileChange(inSource(path), action, hunks.toString()));
    }

    private void hunk(StringBuilder into) {
      Matcher header = HUNK.matcher(lines[at]);
      if (!header.matches()) {
        throw bad("malformed hunk header");
      }
      long before = count(header.group(2));
      long after = count(header.group(4));
      into.append(lines[at++]).append('\n');
      while (before > 0 || after > 0) {
        if (at >= lines.length) {
          throw bad("the diff ends inside a hunk");
        }
        String line = lines[at];
        // An empty line is an unchanged empty line whose blank a mailer has eaten.
        char kind = line.isEmpty() ? ' ' : line.charAt(0);
        switch (kind) {
          case ' ' -> {
            before--;
            after--;
          }
          case '-' -> before--;
          case '+' -> after--;
          case '\\' -> {}
          default -> throw bad("a line inside a hunk that is neither ' ', '-' nor '+'");
        }
        if (before < 0 || after < 0) {
          throw bad("a hunk is longer than its header says");
        }
        into.append(line.isEmpty() ? " " : line).append('\n');
        at++;
      }
      if (at < lines.length && lines[at].startsWith("\\")) {
        into.append(lines[at++]).append('\n'); // "\ No newline at end of file"
      }
    }

    private static long count(@Nullable String number) {
      return number == null ? 1 : Long.parseLong(number);
    }

    private static String name(String line) {
      String name = line.substring(4);
      int tab = name.indexOf('\t');
      return (tab < 0 ? name : name.substring(0, tab)).strip();
    }

    private String inSource(String path) {
      List<String> parts = List.of(path.split("/", -1));
      if (path.startsWith("/") || parts.contains("..") || parts.contains("")) {
        throw bad("a path that leaves the source: " + path);
      }
      boolean whole = parts.size() == 1 || (TOP.contains(parts.get(0)) && !isPrefixed(parts));
      return whole ? path : String.join("/", parts.subList(1, parts.size()));
    }

    /** "a/..." and "b/...", and whatever a tarball's directory was called. */
    private static boolean isPrefixed(List<String> parts) {
      return parts.get(0).equals("a") || parts.get(0).equals("b");
    }

    private RefusedException bad(String problem) {
      return new RefusedException(
          new InputRefusal.PatchDoesNotApply(source, "line " + (at + 1) + ": " + problem));
    }
  }
}
