package org.lucos.patcher.build;

import com.google.common.collect.ImmutableSet;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import org.lucos.patcher.build.CFunctions.CFunction;

/**
 * The functions whose own lines a diff changes. Others that come out different have something of
 * these inlined, or use a changed macro or type.
 *
 * @param names as {@link CFunctions} has them
 */
record EditedFunctions(Set<String> names) {
  private static final Pattern SYSCALL = Pattern.compile("__(?:x64|ia32|se|do)_((?:compat_)?sys_)");

  EditedFunctions {
    names = ImmutableSet.copyOf(names);
  }

  /**
   * Compares the files of a diff before and after.
   *
   * @param source the kernel source
   * @param overlay the patched files
   * @param files their paths in both
   */
  static EditedFunctions of(
      Path source, Path overlay, Collection<String> files, HostCommands commands) {
    DiffTool diff = new DiffTool(commands);
    Set<String> names = new HashSet<>();
    for (String file : files) {
      if (!Files.isRegularFile(overlay.resolve(file))
          || !Files.isRegularFile(source.resolve(file))) {
        continue; // left out of the build
      }
      String before = FileTrees.readText(source.resolve(file));
      String after = FileTrees.readText(overlay.resolve(file));
      List<LineHunk> runs = diff.runs(before, after);
      for (CFunction function : CFunctions.of(before).functions()) {
        if (runs.stream().anyMatch(run -> touches(function, run.oldStart(), run.oldCount()))) {
          names.add(function.name());
        }
      }
      for (CFunction function : CFunctions.of(after).functions()) {
        if (runs.stream().anyMatch(run -> touches(function, run.newStart(), run.newCount()))) {
          names.add(function.name());
        }
      }
    }
    return new EditedFunctions(names);
  }

  private static boolean touches(CFunction function, int start, int count) {
    return count > 0 && start <= function.lastLine() && start + count > function.firstLine();
  }

  /** Whether it is one of them; {@code symbol} may be the compiler's variant of a function. */
  boolean hasSymbol(String symbol) {
    String name = symbol.replaceFirst("\\..*", "");
    return names.contains(name) || names.contains(SYSCALL.matcher(name).replaceFirst("$1"));
  }
}
