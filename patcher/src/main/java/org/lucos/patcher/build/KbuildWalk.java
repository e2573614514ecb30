package org.lucos.patcher.build;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Has Kbuild go through every directory that a configuration enters and say, instead of compiling,
 * what it would do. The fragment stands in for {@code scripts/Makefile.build}, by the variable
 * {@code build} with which every directory is entered; the main Makefile has by then exported all
 * that compile lines are made of. Some 600 directories (cloud kernels) take about 6 s.
 */
final class KbuildWalk {
  /** A single target, so that the main Makefile prepares the tree and enters the directories. */
  private static final String GOAL = "lucos.o";

  // real-obj-y, lib-y, obj-m, real-search, targets, subdir-ym, is-standard-object, delay-objtool,
  // is-single-obj-m, cmd_cc_o_c, cmd_as_o_S, objtool-args-y: scripts/Makefile.build and .lib.
  // Automatic variables are set by foreach: a rule of our own would have prerequisites built.
  // Beside what is linked: files made into headers for assembly code, and what the link makes.
  private static final String FRAGMENT =
      """
      include $(srctree)/scripts/Makefile.build
      ifneq ($(filter %WANTED,$(MAKECMDGOALS)),)
      export LUCOS_WALK := 1
      ./WANTED: lucos-walk ; @:
      endif
      ifdef LUCOS_WALK
      .DEFAULT_GOAL := lucos-walk
      .PHONY: lucos-walk lucos-directory
      objtool-enabled = $(if $(is-standard-object),$(if $(delay-objtool),$(is-single-obj-m),y))
      lucos-file := $(LUCOS_OUT)/d!$(subst /,!,$(obj))
      lucos-source = $(wildcard $(srctree)/$(@:.o=$1))
      lucos-each = $(foreach @,$(lucos-all),$(foreach <,$(call lucos-source,$1),$(foreach *,\
      $(@:$(obj)/%.o=%),$(file >>$(lucos-file),cmd_$@ := $($2)))))
      lucos-all := $(sort $(filter %.o,$(real-obj-y) $(real-obj-m) $(lib-y) $(targets)))
      ifeq ($(obj),.)
      lucos-all += kernel/bounds.o arch/x86/kernel/asm-offsets.o
      endif
      ifeq ($(obj),init)
      lucos-all += init/version-timestamp.o
      endif
      lucos-walk: $(subdir-ym) lucos-directory
      lucos-directory:
      	$(file >$(lucos-file),directory $(obj))
      	$(file >>$(lucos-file),objtool $(if $(delay-objtool),$(objtool-args-y)))
      	$(file >>$(lucos-file),$(if $(need-builtin),builtin,archive) $(real-obj-y) $(lib-y))
      	$(foreach m,$(patsubst $(obj)/%,%,$(filter %.o,$(obj-m))),$(file >>$(lucos-file),module \
      $(m:.o=) $(addprefix $(obj)/,$(call real-search,$m,.o,-objs -y -m))))
      	$(call lucos-each,.c,cmd_cc_o_c)
      	$(call lucos-each,.S,cmd_as_o_S)
      	@:
      endif
      """
          .replace("WANTED", GOAL);

  private final HostCommands commands;
  private final Path source;
  private final Path output;
  private final List<String> variables;

  /** For a configured and prepared tree; see {@link Kbuild}. */
  KbuildWalk(HostCommands commands, Path source, Path output, List<String> variables) {
    this.commands = commands;
    this.source = source;
    this.output = output;
    this.variables = variables;
  }

  /** Walks; the answers of all directories in the order of their names. */
  String walk(BuildListener listener) {
    try {
      Path answers = Files.createTempDirectory(FileTrees.parent(output), "walk-");
      try {
        Path fragment = answers.resolve("Makefile.walk");
        FileTrees.writeText(fragment, FRAGMENT);
        List<String> make = make(fragment, answers);
        CommandOutcome outcome =
            Watched.run(
                "asking Kbuild what it compiles",
                () -> commands.run(Command.of(make)),
                () -> listener.progress(0, 0));
        if (!outcome.succeeded()) {
          throw new BuildFailedException(
              "Kbuild does not tell what it compiles: " + outcome.tail(3));
        }
        return gathered(answers);
      } finally {
        FileTrees.delete(answers);
      }
    } catch (IOException e) {
      throw new BuildFailedException("cannot keep what Kbuild compiles in " + output, e);
    }
  }

  private List<String> make(Path fragment, Path answers) throws IOException {
    // Programs under tools/ are built by makefiles of their own, with a variable of that name too.
    String build =
        "-f $(if $(filter "
            + output.toRealPath()
            + ",$(CURDIR)),"
            + fragment
            + ",$(srctree)/tools/build/Makefile.build dir=.) obj";
    List<String> argv = new ArrayList<>(List.of("nice", "make", "-s", "-j2"));
    argv.addAll(List.of("-C", source.toString(), "O=" + output));
    argv.addAll(variables);
    argv.addAll(List.of("LUCOS_OUT=" + answers, "build=" + build, GOAL));
    return argv;
  }

  private static String gathered(Path answers) throws IOException {
    try (Stream<Path> files = Files.list(answers)) {
      return files
          .filter(f -> f.getFileName().toString().startsWith("d!"))
          .sorted()
          .map(FileTrees::readText)
          .collect(Collectors.joining());
    }
  }
}
