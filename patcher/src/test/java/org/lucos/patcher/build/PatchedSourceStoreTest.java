package org.lucos.patcher.build;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.lucos.patcher.refusal.HostRefusal;
import org.lucos.patcher.refusal.RefusedException;

class PatchedSourceStoreTest {
  private static final PackageVersion SOURCE = new PackageVersion("linux-source-6.1", "6.1.1-1");
  @TempDir Path cache;

  /** Real programs, but for apt and dpkg. */
  private record Fake(String depends, int aptExit, Path packaging, List<String> apt)
      implements HostCommands {
    @Override
    public CommandOutcome run(Command command) {
      if (command.program().equals("dpkg-deb")) {
        return new CommandOutcome(0, depends, "");
      }
      if (!command.program().equals("apt-get")) {
        return new ProcessCommands().run(command);
      }
      String argv = String.join(" ", command.argv());
      apt.add(argv);
      if (argv.contains("indextargets")) {
        return new CommandOutcome(
            0, "Debian deb-src http://d/ bookworm main\nOther deb-src http://o/ x main\n", "");
      }
      if (argv.contains("--diff-only") && aptExit == 0) {
        copy(packaging, command.directory().orElseThrow().resolve("linux_1.debian.tar.xz"));
      }
      return new CommandOutcome(aptExit, "", "E: 404");
    }

    private static void copy(Path from, Path to) {
      new ProcessCommands().run(Command.of("cp", from.toString(), to.toString()));
    }

    @Override
    public CommandOutcome pipe(List<Command> commands) {
      throw new IllegalStateException("not expected: " + commands);
    }
  }

  private PatchedSourceStore store(Fake commands) {
    return new PatchedSourceStore(
        new SourceStore(new AptPackageIndex(commands, cache), commands, cache), commands, cache);
  }

  private Path unpackedSource() throws Exception {
    Path base = Files.createDirectories(cache.resolve("src/linux-source-6.1_6.1.1-1"));
    Files.writeString(base.resolve("a.c"), "one\n");
    Files.writeString(base.resolve("b.c"), "same\n");
    return base;
  }

  private Path packaging() throws Exception {
    Path patches = Files.createDirectories(cache.resolve("made/debian/patches-rt"));
    Files.writeString(patches.resolve("series"), "# comment\n\n1.patch\n");
    Files.writeString(
        patches.resolve("1.patch"), "--- a/a.c\n+++ b/a.c\n@@ -1 +1 @@\n-one\n+two\n");
    Path tar = cache.resolve("packaging.tar.xz");
    CommandOutcome made =
        new ProcessCommands()
            .run(
                Command.of(
                    "tar",
                    "-cJf",
                    tar.toString(),
                    "-C",
                    cache.resolve("made").toString(),
                    "debian"));
    assertThat(made.succeeded()).isTrue();
    return tar;
  }

  @Test
  void theHeadersPackageTellsWhichPatchesAKernelHas() {
    Fake realTime = new Fake("linux-headers-6.1.0-5-common-rt (= 1)", 0, cache, List.of());
    Fake plain = new Fake("linux-headers-6.1.0-5-common (= 1)", 0, cache, List.of());
    assertThat(store(realTime).patchesOf(cache)).contains("rt");
    assertThat(store(plain).patchesOf(cache)).isEmpty();
  }

  @Test
  void theSeriesIsAppliedBesideTheSource() throws Exception {
    Path base = unpackedSource();
    Fake commands = new Fake("", 0, packaging(), new ArrayList<>());

    Path patched = store(commands).unpacked(SOURCE, "rt", BuildListener.SILENT);

    assertThat(patched.resolve("a.c")).hasContent("two\n");
    assertThat(patched.resolve("b.c")).hasContent("same\n");
    assertThat(base.resolve("a.c")).hasContent("one\n");
    assertThat(cache.resolve("source-index/debian.list"))
        .hasContent("deb-src http://d/ bookworm main\n");
    int calls = commands.apt().size();
    assertThat(store(commands).unpacked(SOURCE, "rt", BuildListener.SILENT)).isEqualTo(patched);
    assertThat(commands.apt()).hasSize(calls);
  }

  @Test
  void packagingThatCannotBeHadIsRefused() throws Exception {
    unpackedSource();
    Fake commands = new Fake("", 100, cache, new ArrayList<>());
    assertThatThrownBy(() -> store(commands).unpacked(SOURCE, "rt", BuildListener.SILENT))
        .isInstanceOfSatisfying(
            RefusedException.class,
            e -> {
              assertThat(e.refusal()).isInstanceOf(HostRefusal.KernelPackageNotFound.class);
              assertThat(e).hasMessageContaining("404");
            });
    assertThat(cache.resolve("src/linux-source-6.1_6.1.1-1+rt")).doesNotExist();
  }
}
