package org.lucos.tests.build;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.lucos.patcher.build.BuildRequest;
import org.lucos.patcher.build.DiffTool;
import org.lucos.patcher.build.PatchBuilder;
import org.lucos.patcher.build.PatchObject;
import org.lucos.patcher.build.PatchVariant;
import org.lucos.patcher.build.recipe.AvailableFix;
import org.lucos.patcher.build.recipe.EditScript;
import org.lucos.patcher.build.recipe.EditScript.Expectation;
import org.lucos.patcher.build.recipe.RecipeFolder;
import org.lucos.patcher.build.recipe.Recipes;
import org.lucos.patcher.refusal.ChangeRefusal;
import org.lucos.patcher.refusal.InputRefusal;
import org.lucos.patcher.refusal.RefusedException;
import org.lucos.tests.guest.Repository;

/** Recipes and edit scripts built for the kernels on offer. */
class RecipesBuildTest {
  private final Recipes recipes = BuildHost.recipes();
  private final Path cache;
  private final PatchBuilder builder;

  RecipesBuildTest(@TempDir Path cache) {
    this.cache = cache;
    this.builder = BuildHost.builder(cache);
  }

  @AfterEach
  void emptyCache() {
    BuildHost.empty(cache);
  }

  @ParameterizedTest
  @ValueSource(strings = {"6.1", "6.12"})
  void everyAvailableFixOfTheOldestKernelBuilds(String series) {
    List<String> releases = BuildHost.releases(series);
    String release = releases.get(releases.size() - 1);
    List<AvailableFix> fixes = recipes.available(release, BuildHost.LISTENER);
    assertThat(fixes).isNotEmpty();
    for (AvailableFix fix : fixes) {
      PatchObject built = builder.build(fix.request(), BuildHost.LISTENER);
      assertThat(built.variant().release()).isEqualTo(release);
      assertThat(built.variant().buildId()).isPresent();
      assertThat(built.variant().functions()).as(fix.recipe().name()).isNotEmpty();
      assertThat(built.description().fixes()).isEqualTo(fix.recipe().fixes());
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"6.1", "6.12"})
  void everyEditScriptEndsAsItSays(String series) {
    String release = BuildHost.releases(series).get(0);
    for (EditScript script : BuildHost.FOLDER.mechanisms()) {
      BuildRequest request = recipes.mechanism(script, release, BuildHost.LISTENER);
      assertThat(outcome(request)).as(script.name()).isEqualTo(script.expectation());
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"6.1", "6.12"})
  void editScriptsForMeasuringFit(String series) throws IOException {
    String release = BuildHost.releases(series).get(0);
    Path folder = Repository.root().resolve("kernel-patches/bench");
    try (Stream<Path> scripts = Files.list(folder)) {
      List<Path> all = scripts.filter(path -> path.toString().endsWith(".edit")).sorted().toList();
      assertThat(all).isNotEmpty();
      for (Path script : all) {
        BuildRequest request =
            recipes.mechanism(RecipeFolder.script(script), release, BuildHost.LISTENER);
        assertThat(request.diff()).as(script.toString()).contains("+\tasm volatile(");
      }
    }
  }

  private Expectation outcome(BuildRequest request) {
    try {
      PatchObject built = builder.build(request, BuildHost.LISTENER);
      assertThat(built.variant().functions()).isNotEmpty();
      return Expectation.PATCH;
    } catch (RefusedException e) {
      if (e.refusal() instanceof ChangeRefusal.NothingChanged) {
        return Expectation.NOTHING_CHANGED;
      }
      if (e.refusal() instanceof ChangeRefusal.TypeChanged) {
        return Expectation.TYPE_CHANGED;
      }
      assertThat(e.refusal()).isInstanceOf(ChangeRefusal.UnsupportedChange.class);
      return Expectation.UNSUPPORTED_CHANGE;
    }
  }

  @Test
  void aCompilerErrorIsRefusedAndItsBuildKept() throws Exception {
    String release = BuildHost.releases("6.1").get(0);
    EditScript script = BuildHost.FOLDER.mechanism("uptime-shows").orElseThrow();
    BuildRequest good = recipes.mechanism(script, release, BuildHost.LISTENER);
    BuildRequest bad =
        new BuildRequest(
            release,
            "bad.patch",
            good.diff().replace("seq_puts(m, \"lucos", "no_such_function(m, \"lucos"),
            "compile-error",
            "",
            List.of());
    assertThatThrownBy(() -> builder.build(bad, BuildHost.LISTENER))
        .isInstanceOfSatisfying(
            RefusedException.class,
            e -> {
              assertThat(e.refusal()).isInstanceOf(InputRefusal.CompileFailed.class);
              assertThat(e.refusal().message()).contains("fs/proc/uptime.c", "no_such_function");
            });
    try (Stream<Path> builds = Files.list(cache.resolve("builds"))) {
      Path kept =
          builds
              .filter(path -> path.getFileName().toString().startsWith("compile-error-"))
              .findFirst()
              .orElseThrow();
      assertThat(kept.resolve("build.log")).content().contains("failed:");
      assertThat(kept.resolve("1-sources/linux/fs/proc/uptime.c")).isRegularFile();
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"6.1", "6.12"})
  void aFileThatAnotherDirectoryBuildsIsOfItsModule(String series) throws IOException {
    String release = BuildHost.releases(series).get(0);
    String file = "virt/kvm/kvm_main.c"; // of arch/x86/kvm, by a path upwards
    Path source = builder.trees().prepare(release, BuildHost.LISTENER).source().resolve(file);
    String before = Files.readString(source, StandardCharsets.ISO_8859_1);
    String after = before.replace("r = KVM_API_VERSION;", "r = KVM_API_VERSION + 1;");
    String diff = new DiffTool(BuildHost.COMMANDS).unified(file, before, after);
    BuildRequest request = new BuildRequest(release, "kvm.diff", diff, "kvm", "", List.of());

    PatchVariant variant = builder.build(request, BuildHost.LISTENER).variant();

    assertThat(variant.functions())
        .singleElement()
        .satisfies(
            function -> {
              assertThat(function.name()).isEqualTo("kvm_dev_ioctl");
              assertThat(variant.moduleOf(function.object())).contains("kvm");
            });
    assertThat(variant.origin().affected()).isEmpty();
  }

  @Test
  void aDiffThatDoesNotFitIsRefusedByFile() {
    String release = BuildHost.releases("6.1").get(0);
    String diff =
        """
        --- a/fs/proc/uptime.c
        +++ b/fs/proc/uptime.c
        @@ -1,3 +1,4 @@
         no
         such
        +new
         lines
        """;
    BuildRequest request = new BuildRequest(release, "x", diff, "misfit", "", List.of());
    assertThatThrownBy(() -> builder.build(request, BuildHost.LISTENER))
        .isInstanceOfSatisfying(
            RefusedException.class,
            e -> {
              assertThat(e.refusal()).isInstanceOf(InputRefusal.PatchDoesNotApply.class);
              assertThat(e.refusal().message()).contains("fs/proc/uptime.c", release);
            });
  }

  @Test
  void aKernelNobodyOffersIsNamedWithWhatThereIs() {
    assertThatThrownBy(() -> builder.trees().prepare("6.1.0-9999-none", BuildHost.LISTENER))
        .isInstanceOfSatisfying(
            RefusedException.class,
            e ->
                assertThat(e.refusal().message())
                    .contains("linux-image-6.1.0-9999-none", "linux-source-6.1"));
  }
}
