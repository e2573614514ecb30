package org.lucos.tests.build;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Clock;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.lucos.patcher.build.AptPackageIndex;
import org.lucos.patcher.build.BuildListener;
import org.lucos.patcher.build.Command;
import org.lucos.patcher.build.CommandOutcome;
import org.lucos.patcher.build.HostCommands;
import org.lucos.patcher.build.KernelTrees;
import org.lucos.patcher.build.PatchBuilder;
import org.lucos.patcher.build.ProcessCommands;
import org.lucos.patcher.build.recipe.RecipeFolder;
import org.lucos.patcher.build.recipe.Recipes;

/** What tests of builds share: the cache, the project's recipes, what the index offers. */
public final class BuildHost {
  static final Path ROOT = Path.of("..").toAbsolutePath().normalize();
  static final Path CACHE =
      Path.of(System.getenv().getOrDefault("LUCOS_CACHE", "/var/cache/lucos"));
  static final HostCommands COMMANDS = new ProcessCommands();
  static final RecipeFolder FOLDER = RecipeFolder.read(ROOT.resolve("kernel-patches"));

  /** Says on the test's output what takes long. */
  static final BuildListener LISTENER =
      new BuildListener() {
        @Override
        public void step(String what) {
          System.out.println("  " + what);
        }

        @Override
        public void note(String text) {
          System.out.println("  note: " + text);
        }
      };

  private static final Map<String, List<String>> RELEASES = new ConcurrentHashMap<>();

  private BuildHost() {}

  /** A builder with the shared trees; builds that fail are kept in {@code builds}. */
  static PatchBuilder builder(Path builds) {
    KernelTrees trees = KernelTrees.onThisHost(CACHE);
    return new PatchBuilder(trees, COMMANDS, builds, Clock.systemUTC(), "test")
        .including(ROOT.resolve("kernel-patches/include"));
  }

  /** Empties a directory of builds: JUnit would warn of each of the links in patched trees. */
  static void empty(Path folder) {
    CommandOutcome outcome =
        COMMANDS.run(Command.of("find", folder.toString(), "-mindepth", "1", "-delete"));
    assertThat(outcome.exit()).as(outcome.errors()).isZero();
  }

  static Recipes recipes() {
    return new Recipes(FOLDER, KernelTrees.onThisHost(CACHE), COMMANDS);
  }

  /** Releases of a series' cloud kernel that the index offers with their source, newest first. */
  public static List<String> releases(String series) {
    return RELEASES.computeIfAbsent(series, BuildHost::onOffer);
  }

  private static List<String> onOffer(String series) {
    CommandOutcome outcome =
        COMMANDS.run(
            Command.of(
                ROOT.resolve("vm-images/quick/build.sh").toString(), "--list", "--series", series));
    assertThat(outcome.exit()).as(outcome.errors()).isZero();
    AptPackageIndex index = new AptPackageIndex(COMMANDS, CACHE);
    List<String> sources = index.versions("linux-source-" + series);
    return outcome
        .output()
        .lines()
        .map(line -> line.split(" ", -1))
        .filter(words -> sources.contains(words[0]))
        .filter(words -> index.versions("linux-headers-" + words[1]).contains(words[0]))
        .map(words -> words[1])
        .toList();
  }

  /** Compiles a program for guests. */
  static Path compile(Path source, Path program) {
    CommandOutcome outcome =
        COMMANDS.run(
            Command.of(
                "gcc",
                "-static",
                "-O2",
                "-Wall",
                "-Wextra",
                "-Werror",
                "-o",
                program.toString(),
                source.toString()));
    assertThat(outcome.exit()).as(outcome.errors()).isZero();
    return program;
  }
}
