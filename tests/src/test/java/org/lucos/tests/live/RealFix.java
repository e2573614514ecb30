package org.lucos.tests.live;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.lucos.patcher.app.ListRecipes;
import org.lucos.patcher.app.Progress;
import org.lucos.patcher.refusal.ChangeRefusal;
import org.lucos.patcher.refusal.RefusedException;
import org.lucos.tests.build.BuildHost;
import org.lucos.tests.guest.CommandResult;
import org.lucos.tests.guest.GuestFile;
import org.lucos.tests.guest.GuestPrograms;
import org.lucos.tests.guest.GuestSpec;
import org.lucos.tests.guest.Prepared;
import org.lucos.tests.guest.TestGuest;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A fix of {@code kernel-patches/fixes} that a kernel lacks, and the program that sees it.
 *
 * @param name the recipe
 * @param observer source of the program, in guests {@code observe-NAME}
 */
public record RealFix(String name, String observer) {
  private static final Logger LOG = LoggerFactory.getLogger(RealFix.class);
  private static final int FIXED = 0;
  private static final int FLAWED = 10;

  /**
   * Fixes that can be made for the oldest kernel of a series that is on offer with its source.
   *
   * @param release that kernel
   */
  public record Shelf(String release, List<RealFix> fixes) {

    /** The kernel, with what sees the fixes. */
    public GuestSpec guest() {
      GuestSpec spec = GuestSpec.release(release).withVcpus(2);
      for (RealFix fix : fixes) {
        spec =
            spec.withFile(
                new GuestFile(
                    GuestPrograms.compiled(Path.of(fix.observer())), "/bin/observe-" + fix.name()));
      }
      return spec;
    }

    /** Leaves it for {@link RealFix#shelf} on a host that can build nothing. */
    public void putInto(Path kit, String series) {
      List<String> lines = new ArrayList<>(List.of(release));
      fixes.forEach(fix -> lines.add(fix.name() + " " + fix.observer()));
      Prepared.putLines(kit, kitName(series), lines);
    }
  }

  private static String kitName(String series) {
    return "fixes-" + series;
  }

  /** Five fixes for 6.1, one for other series, with their bundles built. */
  public static Shelf sample(String series) {
    Shelf shelf = shelf(series, series.equals("6.1") ? 5 : 1);
    assertThat(shelf.fixes()).hasSize(series.equals("6.1") ? 5 : 1);
    return shelf;
  }

  /** All fixes for a series. */
  public static Shelf all(String series) {
    Shelf shelf = shelf(series, Integer.MAX_VALUE);
    assertThat(shelf.fixes()).isNotEmpty();
    return shelf;
  }

  private static Shelf shelf(String series, int wanted) {
    Optional<List<String>> prepared = Prepared.lines(kitName(series));
    if (prepared.isPresent()) {
      return new Shelf(
          prepared.get().get(0),
          prepared.get().stream()
              .skip(1)
              .limit(wanted)
              .map(line -> line.split(" ", 2))
              .map(words -> new RealFix(words[0], words[1]))
              .toList());
    }
    List<String> releases = BuildHost.releases(series);
    String release = releases.get(releases.size() - 1);
    List<RealFix> chosen = new ArrayList<>();
    for (ListRecipes.Fix fix :
        new ListRecipes(Bundles.settings()).run(release, Progress.SILENT).fixes()) {
      try {
        if (chosen.size() < wanted) {
          Bundles.of(fix.name(), release);
          chosen.add(new RealFix(fix.name(), fix.observer()));
        }
      } catch (RefusedException e) {
        // those of which no bundle can be made say so when they are built
        assertThat(e.refusal()).isInstanceOf(ChangeRefusal.UnsupportedChange.class);
        LOG.info("{} is left out: {}", fix.name(), e.refusal().message());
      }
    }
    return new Shelf(release, List.copyOf(chosen));
  }

  void assertFlawed(TestGuest guest) {
    assertObserved(guest, FLAWED);
  }

  void assertFixed(TestGuest guest) {
    assertObserved(guest, FIXED);
  }

  private void assertObserved(TestGuest guest, int status) {
    CommandResult result = guest.attempt("observe-" + name);
    assertThat(result.status())
        .as(name + ": " + result.stdout() + result.stderr())
        .isEqualTo(status);
  }
}
