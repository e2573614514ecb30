package org.lucos.bench.scenario;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.lucos.bench.harness.Setting;
import org.lucos.patcher.app.BuildPatch;
import org.lucos.patcher.app.Progress;
import org.lucos.patcher.build.BuildListener;
import org.lucos.patcher.build.Command;
import org.lucos.patcher.build.CommandOutcome;
import org.lucos.patcher.build.KernelTrees;
import org.lucos.patcher.build.ProcessCommands;

/** What scenarios bring into guests, built once for a run's directory. */
final class Inputs {
  /** The first of what {@code build.sh} names. */
  private static final String AGENT = "agent=";

  private Inputs() {}

  /** Where programs for guests are compiled. */
  static Path programs(Setting setting) {
    return created(setting.work().resolve("programs"));
  }

  /** A program of {@code vm-images/programs}. */
  static Path program(Setting setting, String name) {
    return setting.home().resolve("vm-images/programs").resolve(name + ".c");
  }

  /** The bundle of an edit script of {@code kernel-patches/mechanism}. */
  static Path edit(Setting setting, String name, String release) {
    return edit(setting, "mechanism", name, release);
  }

  /** The bundle of an edit script of {@code kernel-patches/bench}, which are for measuring only. */
  static Path benchEdit(Setting setting, String name, String release) {
    return edit(setting, "bench", name, release);
  }

  private static Path edit(Setting setting, String folder, String name, String release) {
    Path script = setting.settings().recipes().resolve(folder).resolve(name + ".edit");
    return bundle(setting, new BuildPatch.EditFile(script), name, release);
  }

  /** The bundle of a hand-written livepatch of {@code kernel-patches/mechanism}. */
  static Path livepatch(Setting setting, String name, String release) {
    return bundle(
        setting, new BuildPatch.LivepatchFile(mechanism(setting, name + ".c")), name, release);
  }

  /** The same source as a module that the guest's own livepatch takes, called {@code name}. */
  static Path guestLivepatch(Setting setting, String name, String release) {
    Path module = madeOfModule(setting, name, release, ".ko");
    must(List.of("strip", "--strip-debug", module.toString()));
    return module;
  }

  /** The same source with all headers of the kernel in it, for a compiler that has none. */
  static Path preprocessed(Setting setting, String name, String release) {
    return madeOfModule(setting, name, release, ".i");
  }

  /** What the kernel's own build makes of a source as a module. */
  private static Path madeOfModule(Setting setting, String name, String release, String suffix) {
    Path folder = created(setting.work().toAbsolutePath().resolve("klp-" + release));
    String object = name.replace('-', '_');
    Path made = folder.resolve(object + suffix);
    if (!Files.exists(made)) {
      Path output =
          KernelTrees.onThisHost(setting.settings().cache())
              .prepare(release, BuildListener.SILENT)
              .output();
      try {
        Files.copy(
            mechanism(setting, name + ".c"),
            folder.resolve(object + ".c"),
            StandardCopyOption.REPLACE_EXISTING);
        Files.writeString(folder.resolve("Makefile"), "obj-m := " + object + ".o\n");
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
      must(List.of("make", "-C", output.toString(), "M=" + folder, object + suffix));
    }
    return made;
  }

  /** The guest's agent. */
  static Path agent(Setting setting) {
    String build = setting.home().resolve("guest-agent/build.sh").toString();
    return Path.of(fact(said(List.of(build)), AGENT));
  }

  /** What follows the word, in the first line that begins with it. */
  static String fact(String lines, String word) {
    return lines
        .lines()
        .filter(line -> line.startsWith(word))
        .map(line -> line.substring(word.length()))
        .findFirst()
        .orElseThrow(() -> new IllegalStateException("no " + word + " in " + lines));
  }

  private static Path mechanism(Setting setting, String file) {
    return setting.settings().recipes().resolve("mechanism").resolve(file);
  }

  private static Path bundle(
      Setting setting, BuildPatch.Source source, String name, String release) {
    Path bundle = created(setting.work()).resolve(name + "-" + release + ".lucos");
    if (!Files.exists(bundle)) {
      new BuildPatch(setting.settings())
          .run(
              new BuildPatch.Request(
                  source,
                  BuildPatch.Kernels.of(release),
                  Optional.of(bundle),
                  Optional.of(name),
                  "",
                  List.of(),
                  Optional.empty(),
                  false,
                  BuildPatch.Request.DEFAULT_MAX_OBJECTS,
                  Optional.empty()),
              Progress.SILENT);
    }
    return bundle;
  }

  /** Runs a command of this host that must succeed. */
  static void must(List<String> command) {
    said(command);
  }

  /** What a command of this host says, which must succeed. */
  static String said(List<String> command) {
    CommandOutcome outcome = new ProcessCommands().run(Command.of(command));
    if (!outcome.succeeded()) {
      throw new IllegalStateException(String.join(" ", command) + ": " + outcome.errorLines(3));
    }
    return outcome.output();
  }

  static byte[] read(Path file) {
    try {
      return Files.readAllBytes(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static List<Path> children(Path directory) {
    try (Stream<Path> children = Files.list(directory)) {
      return children.sorted().toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static Path created(Path directory) {
    try {
      return Files.createDirectories(directory);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
