package org.lucos.patcher.build;

import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Finds the C files of a kernel that define functions, by the kernel's coding style: a definition
 * begins in the first column, and a system call is made by {@code SYSCALL_DEFINE}.
 */
final class FunctionFinder {
  private static final List<String> ELSEWHERE =
      List.of("Documentation", "tools", "samples", "scripts", "arch", "rust", "usr");

  private static final Pattern SYSCALL =
      Pattern.compile("__(?:x64|ia32|se|do|ia32_compat|x64_compat)_(?:compat_)?sys_(\\w+)");
  private static final Pattern FOUND = Pattern.compile("([^:]+):(.*)");

  private final KernelTree tree;
  private final HostCommands commands;

  FunctionFinder(KernelTree tree, HostCommands commands) {
    this.tree = tree;
    this.commands = commands;
  }

  /**
   * Files that seem to define each function, by its name in the kernel's symbol table. Compiling
   * them tells.
   */
  Map<String, Set<String>> candidates(Collection<String> functions) {
    Map<String, Pattern> definitions = new LinkedHashMap<>();
    List<String> command = new ArrayList<>(List.of("grep", "-rH", "--include=*.c", "-E"));
    for (String function : functions) {
      Matcher syscall = SYSCALL.matcher(function);
      String definition =
          syscall.matches()
              ? "SYSCALL_DEFINE[0-6]\\(" + syscall.group(1) + "\\b"
              : "^([A-Za-z_].*)?\\b" + function + "\\(";
      definitions.put(
          function,
          Pattern.compile(
              syscall.matches()
                  ? "(?:COMPAT_)?SYSCALL_DEFINE[0-6]\\(\\s*" + syscall.group(1) + "\\b.*"
                  : "(?:[A-Za-z_].*[\\s*])?" + Pattern.quote(function) + "\\([^;]*"));
      command.addAll(List.of("-e", definition));
    }
    command.addAll(directories());
    CommandOutcome outcome = commands.run(Command.of(command).in(tree.source()));
    Map<String, Set<String>> found = new LinkedHashMap<>();
    for (String line : outcome.output().lines().toList()) {
      Matcher match = FOUND.matcher(line);
      if (match.matches()) {
        definitions.forEach(
            (function, definition) -> {
              if (definition.matcher(match.group(2)).matches()) {
                found.computeIfAbsent(function, f -> new LinkedHashSet<>()).add(match.group(1));
              }
            });
      }
    }
    return found;
  }

  private List<String> directories() {
    List<String> directories = new ArrayList<>(FileTrees.folders(tree.source()));
    directories.removeAll(ELSEWHERE);
    directories.removeIf(name -> name.startsWith("."));
    directories.add("arch/x86");
    return directories;
  }

  /** Whether a file is compiled into the given module, or into vmlinux. */
  boolean isPartOf(String file, Optional<String> module) {
    Placement placement = tree.placement(file);
    return module.isPresent()
        ? placement instanceof Placement.Module m && m.name().equals(module.get())
        : placement instanceof Placement.BuiltIn;
  }
}
