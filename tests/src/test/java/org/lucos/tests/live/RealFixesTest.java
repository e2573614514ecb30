package org.lucos.tests.live;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.lucos.patcher.app.ApplyPatch;
import org.lucos.patcher.app.ListRecipes;
import org.lucos.patcher.app.Progress;
import org.lucos.patcher.refusal.ChangeRefusal;
import org.lucos.patcher.refusal.RefusedException;
import org.lucos.tests.guest.CommandResult;
import org.lucos.tests.guest.GuestFile;
import org.lucos.tests.guest.GuestPrograms;
import org.lucos.tests.guest.GuestSpec;
import org.lucos.tests.guest.HostCommand;
import org.lucos.tests.guest.Repository;
import org.lucos.tests.guest.TestGuest;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Real fixes that the oldest kernel on offer lacks, seen by a program in the guest. Five of them;
 * all with {@code -Dlucos.fixes=all}.
 */
class RealFixesTest {
  private static final Logger LOG = LoggerFactory.getLogger(RealFixesTest.class);
  private static final int FIXED = 0;
  private static final int FLAWED = 10;
  private static final int DEFAULT_COUNT = 5;

  @Test
  void fixesTakeEffectTogetherAndGoAgain() {
    String release = oldestRelease();
    List<ListRecipes.Fix> fixes = chosen(release);
    GuestSpec spec = GuestSpec.release(release);
    for (ListRecipes.Fix fix : fixes) {
      spec =
          spec.withFile(
              new GuestFile(
                  GuestPrograms.compiled(Path.of(fix.observer())), "/bin/observe-" + fix.name()));
    }
    try (TestGuest guest = TestGuest.boot(spec)) {
      Operator operator = new Operator(guest);
      List<String> functions = new ArrayList<>();
      for (ListRecipes.Fix fix : fixes) {
        assertObserved(guest, fix, FLAWED);
        operator
            .plan(operator.bundle(fix.name()))
            .functions()
            .forEach(f -> functions.add(f.name()));
      }
      Map<String, String> before = operator.text(functions);
      guest.markKernelLog();
      for (ListRecipes.Fix fix : fixes) {
        ApplyPatch.Outcome outcome = operator.apply(fix.name());
        LOG.info("{}: {} ms paused", fix.name(), outcome.pauseMilliseconds());
        assertObserved(guest, fix, FIXED);
      }
      operator.assertSound(fixes.size());
      assertThat(operator.text(functions)).isNotEqualTo(before);
      fixes.forEach(fix -> assertObserved(guest, fix, FIXED));
      for (ListRecipes.Fix fix : fixes) {
        operator.revert(fix.name());
        assertObserved(guest, fix, FLAWED);
      }
      assertThat(operator.modules()).isEmpty();
      assertThat(operator.text(functions)).isEqualTo(before);
      guest.assertNoKernelWarnings();
    }
  }

  private static void assertObserved(TestGuest guest, ListRecipes.Fix fix, int status) {
    CommandResult result = guest.attempt("observe-" + fix.name());
    assertThat(result.status())
        .as(fix.name() + ": " + result.stdout() + result.stderr())
        .isEqualTo(status);
  }

  /** Fixes of which a bundle can be made; those of which none can say so when they are built. */
  private static List<ListRecipes.Fix> chosen(String release) {
    int wanted =
        "all".equals(System.getProperty("lucos.fixes")) ? Integer.MAX_VALUE : DEFAULT_COUNT;
    List<ListRecipes.Fix> chosen = new ArrayList<>();
    for (ListRecipes.Fix fix :
        new ListRecipes(Bundles.settings()).run(release, Progress.SILENT).fixes()) {
      try {
        if (chosen.size() < wanted) {
          Bundles.of(fix.name(), release);
          chosen.add(fix);
        }
      } catch (RefusedException e) {
        assertThat(e.refusal()).isInstanceOf(ChangeRefusal.UnsupportedChange.class);
        LOG.info("{} is left out: {}", fix.name(), e.refusal().message());
      }
    }
    assertThat(chosen).hasSizeGreaterThanOrEqualTo(DEFAULT_COUNT);
    return chosen;
  }

  private static String oldestRelease() {
    List<String> offers =
        HostCommand.run(
                Duration.ofMinutes(2),
                List.of(
                    Repository.root().resolve("vm-images/quick/build.sh").toString(),
                    "--list",
                    "--series=6.1"))
            .lines()
            .toList();
    String oldest = offers.get(offers.size() - 1);
    return oldest.substring(oldest.indexOf(' ') + 1);
  }
}
