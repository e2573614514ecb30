package org.lucos.bench.scenario;

import java.util.List;
import java.util.Optional;
import org.lucos.bench.harness.Setting;
import org.lucos.patcher.build.Command;
import org.lucos.patcher.build.CommandOutcome;
import org.lucos.patcher.build.ProcessCommands;

/** The kernel of a run, for scenarios that have no guest to ask, or none yet. */
final class Kernels {
  private static final String RELEASE = "--release";
  private static final String SERIES = "--series";

  private Kernels() {}

  /** The release that guests would run: the one that is named, or the newest of the series. */
  static String release(Setting setting) {
    Optional<String> named = named(setting);
    if (named.isPresent()) {
      return named.get();
    }
    String program = setting.home().resolve("vm-images/quick/build.sh").toString();
    CommandOutcome outcome =
        new ProcessCommands().run(Command.of(program, "--list", SERIES, series(setting)));
    if (!outcome.succeeded()) {
      throw new IllegalStateException("cannot list kernels: " + outcome.tail(3));
    }
    return outcome
        .output()
        .lines()
        .map(line -> List.of(line.strip().split(" ", -1)))
        .filter(words -> words.size() > 1)
        .map(words -> words.get(1)) // VERSION RELEASE, the newest first
        .findFirst()
        .orElseThrow(() -> new IllegalStateException("no kernel of " + setting.kernel()));
  }

  /** The release that the run's user has named. */
  static Optional<String> named(Setting setting) {
    return after(setting.kernel(), RELEASE);
  }

  /** The series of a run whose user has named no release, such as 6.1. */
  static String series(Setting setting) {
    return after(setting.kernel(), SERIES)
        .orElseThrow(() -> new IllegalStateException("no kernel in " + setting.kernel()));
  }

  private static Optional<String> after(List<String> words, String option) {
    int at = words.indexOf(option);
    return at >= 0 && at + 1 < words.size() ? Optional.of(words.get(at + 1)) : Optional.empty();
  }
}
