package org.lucos.patcher.build;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class KbuildTest {
  private final Path tree;
  private final Map<String, String> answers = new HashMap<>();
  private final List<String> broken = new ArrayList<>();

  KbuildTest(@TempDir Path tree) {
    this.tree = tree;
  }

  private void directory(String path, String answer) {
    FileTrees.directories(tree.resolve(path));
    FileTrees.writeText(tree.resolve(path).resolve("Makefile"), "obj-$(CONFIG_LONE) += lone.o\n");
    answers.put(path, answer);
  }

  private Placement placement(String file) {
    HostCommands make =
        new HostCommands() {
          @Override
          public CommandOutcome run(Command command) {
            String object =
                command.argv().stream().filter(word -> word.startsWith("obj=")).findFirst().get();
            assertThat(broken).doesNotContain(object.substring(4));
            return new CommandOutcome(0, answers.getOrDefault(object.substring(4), ""), "");
          }

          @Override
          public CommandOutcome pipe(List<Command> commands) {
            throw new AssertionError("no pipe");
          }
        };
    return new Kbuild(make, tree, tree, List.of()).placement(file);
  }

  @Test
  void aModuleIsNamedAsTheKernelListsIt() {
    directory("fs", "lucos-subdirectories fs/some fs/proc\nlucos-builtin fs/proc/built-in.a\n");
    directory("fs/some", "lucos-module some-fs fs/some/a.o fs/some/deep/b.o\n");
    directory("fs/proc", "lucos-builtin fs/proc/c.o\nlucos-module\n");

    assertThat(placement("fs/some/a.c")).isEqualTo(new Placement.Module("some_fs"));
    assertThat(placement("fs/some/deep/b.c")).isEqualTo(new Placement.Module("some_fs"));
    assertThat(placement("fs/proc/c.c")).isEqualTo(new Placement.BuiltIn());
    assertThat(placement("fs/proc/lone.c"))
        .isEqualTo(new Placement.NotBuilt("CONFIG_LONE is not set in this kernel's configuration"));
  }

  @Test
  void anObjectOfSeveralModulesNamesThemAll() {
    directory(
        "drivers", "lucos-module two drivers/a.o drivers/b.o\nlucos-module one drivers/a.o\n");

    assertThat(placement("drivers/a.c")).isEqualTo(new Placement.Modules(List.of("one", "two")));
    assertThat(placement("drivers/b.c")).isEqualTo(new Placement.Module("two"));
  }

  @Test
  void anObjectThatAnotherDirectoryBuildsIsNotTakenForUnused() {
    directory("arch/x86/kvm", "lucos-module kvm arch/x86/kvm/../../../virt/kvm/main.o\n");
    FileTrees.writeText(
        tree.resolve("arch/x86/kvm/Makefile"), "include $(srctree)/virt/kvm/Makefile.kvm\n");
    directory("arch/x86", "lucos-subdirectories arch/x86/kvm\n");
    FileTrees.directories(tree.resolve("virt/kvm"));

    assertThat(placement("virt/kvm/main.c"))
        .isEqualTo(new Placement.Elsewhere("arch/x86/kvm/../../../virt/kvm/main.c"));
    assertThat(placement("arch/x86/kvm/../../../virt/kvm/main.c"))
        .isEqualTo(new Placement.Module("kvm"));
    assertThat(placement("virt/kvm/other.c"))
        .isEqualTo(new Placement.NotBuilt("no Makefile builds virt/kvm"));
  }

  @Test
  void aDirectoryThatIsNotEnteredIsNotBuilt() {
    directory("net", "lucos-subdirectories net/core\n");
    directory("net/off", "lucos-module m net/off/a.o\n");

    assertThat(placement("net/off/a.c"))
        .isEqualTo(new Placement.NotBuilt("this configuration does not enter net/off/"));
  }

  @Test
  void anotherArchitecturesMakefilesAreNotRead() {
    // Some of them cannot be read under this architecture's configuration.
    HostCommands none =
        new HostCommands() {
          @Override
          public CommandOutcome run(Command command) {
            throw new AssertionError("asked: " + command);
          }

          @Override
          public CommandOutcome pipe(List<Command> commands) {
            throw new AssertionError("no pipe");
          }
        };
    directory("arch/mips/dec", "");

    assertThat(new Kbuild(none, tree, tree, List.of()).placement("arch/mips/dec/setup.c"))
        .isEqualTo(new Placement.NotBuilt("another architecture"));
  }

  @Test
  void aDirectoryThatIsNotEnteredIsNotAsked() {
    directory("drivers", "lucos-subdirectories drivers/gpu\n");
    directory("drivers/gpu", "lucos-subdirectories\n");
    directory("drivers/gpu/drm", "");
    broken.add("drivers/gpu/drm");

    assertThat(placement("drivers/gpu/drm/a.c"))
        .isEqualTo(new Placement.NotBuilt("this configuration does not enter drivers/gpu/drm/"));
  }

  @Test
  void aDirectoryMayBeEnteredFromFarAbove() {
    directory("drivers", "lucos-subdirectories drivers/video/core\n");
    directory("drivers/video", "lucos-subdirectories\n");
    directory("drivers/video/core", "lucos-module fb drivers/video/core/a.o\n");

    assertThat(placement("drivers/video/core/a.c")).isEqualTo(new Placement.Module("fb"));
  }
}
