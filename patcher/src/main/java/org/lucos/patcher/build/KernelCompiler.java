package org.lucos.patcher.build;

import java.util.List;
import org.lucos.patcher.refusal.ChangeRefusal;
import org.lucos.patcher.refusal.HostRefusal;
import org.lucos.patcher.refusal.RefusedException;

/**
 * The compiler a kernel was built with: another one would make other code, and nothing could be
 * matched with the running kernel.
 *
 * @param program such as {@code gcc-12}
 * @param version the rest of its version line, such as {@code (Debian 12.2.0-14) 12.2.0}
 */
record KernelCompiler(String program, String version) {

  /** What {@code CONFIG_CC_VERSION_TEXT} says. */
  static KernelCompiler of(KernelConfig config) {
    String text =
        config
            .string("CONFIG_CC_VERSION_TEXT")
            .orElseThrow(() -> new BuildFailedException("the configuration names no compiler"));
    int space = text.indexOf(' ');
    if (space < 0 || !text.substring(0, space).contains("gcc")) {
      throw new RefusedException(
          new ChangeRefusal.UnsupportedChange(
              "a kernel compiled by '" + text + "'", "only kernels compiled by GCC are supported"));
    }
    return new KernelCompiler(text.substring(0, space), text.substring(space + 1));
  }

  /** This host's own {@code gcc}, whatever a kernel was built with. */
  static KernelCompiler ofHost(HostCommands commands) {
    CommandOutcome outcome = commands.run(Command.of(List.of("gcc", "--version")));
    String line = outcome.output().lines().findFirst().orElse("");
    return new KernelCompiler("gcc", line.substring(line.indexOf(' ') + 1));
  }

  /** As the first line of {@code --version} has it. */
  String text() {
    return program + " " + version;
  }

  /**
   * Checks that this host has the same compiler.
   *
   * @throws RefusedException {@code HostNotReady} naming both when it differs or is missing
   */
  void check(HostCommands commands) {
    String needed = text();
    String install = "apt-get install " + program.substring(program.lastIndexOf("gcc"));
    String found;
    try {
      CommandOutcome outcome = commands.run(Command.of(List.of(program, "--version")));
      found = outcome.output().lines().findFirst().orElse("");
    } catch (RefusedException e) {
      throw new RefusedException(
          new HostRefusal.HostNotReady("the kernel's compiler '" + needed + "'", install), e);
    }
    String foundVersion = found.substring(found.indexOf(' ') + 1);
    if (!foundVersion.equals(version)) {
      throw new RefusedException(
          new HostRefusal.HostNotReady(
              "the kernel's compiler '" + needed + "': it has '" + found + "'",
              install + " in the version the kernel was built with, or try --any-compiler"));
    }
  }
}
