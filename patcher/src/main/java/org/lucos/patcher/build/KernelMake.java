package org.lucos.patcher.build;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.lucos.patcher.refusal.InputRefusal;
import org.lucos.patcher.refusal.RefusedException;

/** Compiling with the kernel's own make, which takes seconds where a known command takes none. */
final class KernelMake {
  private static final int ERROR_LINES = 12;

  private final HostCommands commands;
  private final Path source;
  private final Path output;
  private final List<String> variables;

  /**
   * @param source root of the source
   * @param output the output directory ({@code O=})
   * @param variables assignments for every make
   */
  KernelMake(HostCommands commands, Path source, Path output, List<String> variables) {
    this.commands = commands;
    this.source = source;
    this.output = output;
    this.variables = List.copyOf(variables);
  }

  /**
   * C files compiled as modules are, with a section for every function and variable.
   *
   * @param directory that holds them; everything that is made goes there too
   * @param includes where the headers they include are looked for besides
   * @param units their names without {@code .c}
   * @return the objects by unit
   * @throws RefusedException {@code CompileFailed} with the compiler's messages
   */
  Map<String, byte[]> module(Path directory, Path includes, List<String> units) {
    List<String> objects = units.stream().map(unit -> unit + ".o").toList();
    FileTrees.writeText(
        directory.resolve("Kbuild"),
        "obj-m := "
            + String.join(" ", objects)
            + "\nccflags-y := -iquote "
            + includes
            + " -iquote "
            + directory
            + " "
            + String.join(" ", Flavour.SECTIONS.flags())
            + "\n");
    List<String> goals = new ArrayList<>(List.of("M=" + directory));
    goals.addAll(objects);
    run(goals, units.get(units.size() - 1) + ".c");
    Map<String, byte[]> compiled = new LinkedHashMap<>();
    units.forEach(unit -> compiled.put(unit, FileTrees.read(directory.resolve(unit + ".o"))));
    return compiled;
  }

  /**
   * Makes the object of a C file of the kernel, and with it what it depends on.
   *
   * @throws RefusedException {@code CompileFailed} with the compiler's messages
   */
  CommandOutcome object(String cFile) {
    return run(List.of(KernelTree.objectName(cFile)), cFile);
  }

  private CommandOutcome run(List<String> goals, String cFile) {
    List<String> argv = new ArrayList<>(List.of("nice", "make", "-s", "-j2"));
    argv.addAll(List.of("-C", source.toString(), "O=" + output));
    argv.addAll(variables);
    argv.addAll(goals);
    CommandOutcome outcome = commands.run(Command.of(argv));
    if (!outcome.succeeded()) {
      throw new RefusedException(
          new InputRefusal.CompileFailed(cFile, outcome.errorLines(ERROR_LINES)));
    }
    return outcome;
  }
}
