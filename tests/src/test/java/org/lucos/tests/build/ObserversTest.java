package org.lucos.tests.build;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.lucos.patcher.build.recipe.AvailableFix;
import org.lucos.patcher.build.recipe.EditScript;
import org.lucos.patcher.build.recipe.FixRecipe;
import org.lucos.tests.guest.CommandResult;
import org.lucos.tests.guest.GuestFile;
import org.lucos.tests.guest.GuestSpec;
import org.lucos.tests.guest.TestGuest;

/**
 * Every observer must call a kernel flawed exactly when the recipe says so from the sources; and no
 * unpatched kernel may give the answer that an edit script promises.
 */
class ObserversTest {
  private static final int FIXED = 0;
  private static final int FLAWED = 10;

  @ParameterizedTest
  @ValueSource(strings = {"6.1", "6.12"})
  void tellTheOldestKernelFromTheNewest(String series, @TempDir Path programs) {
    List<String> releases = BuildHost.releases(series);
    Set<String> seenFlawed = new HashSet<>();
    for (String release : Set.of(releases.get(releases.size() - 1), releases.get(0))) {
      Set<String> flawed =
          BuildHost.recipes().available(release, BuildHost.LISTENER).stream()
              .map(AvailableFix::recipe)
              .map(FixRecipe::name)
              .collect(Collectors.toSet());
      seenFlawed.addAll(flawed);
      TreeMap<String, Integer> expected = new TreeMap<>();
      TreeMap<String, Integer> verdicts = new TreeMap<>();
      try (TestGuest guest = boot(release, programs)) {
        for (FixRecipe recipe : BuildHost.FOLDER.fixes()) {
          CommandResult result = guest.attempt("/bin/observe-" + recipe.name());
          System.out.println(release + " " + recipe.name() + ": " + result.stdout());
          verdicts.put(recipe.name(), result.status());
          expected.put(recipe.name(), flawed.contains(recipe.name()) ? FLAWED : FIXED);
        }
        for (EditScript script : BuildHost.FOLDER.mechanisms()) {
          script.trial().ifPresent(trial -> assertUnpatched(guest, script.name(), trial));
        }
      }
      assertThat(verdicts).as(release).isEqualTo(expected);
    }
    assertThat(seenFlawed).as("some recipe fits the oldest kernel on offer").isNotEmpty();
  }

  private static void assertUnpatched(TestGuest guest, String name, EditScript.Trial trial) {
    assertThat(guest.attempt(trial.command()).stdout())
        .as(name)
        .doesNotContainPattern(trial.answer());
  }

  private static TestGuest boot(String release, Path programs) {
    GuestSpec spec = GuestSpec.release(release);
    for (FixRecipe recipe : BuildHost.FOLDER.fixes()) {
      String name = "observe-" + recipe.name();
      Path program = BuildHost.compile(BuildHost.FOLDER.observer(recipe), programs.resolve(name));
      spec = spec.withFile(new GuestFile(program, "/bin/" + name));
    }
    Path probe = BuildHost.ROOT.resolve("kernel-patches/mechanism/probe.c");
    Path program = BuildHost.compile(probe, programs.resolve("probe"));
    return TestGuest.boot(spec.withFile(new GuestFile(program, "/bin/probe")));
  }
}
