package org.lucos.patcher.app;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Times the phases of an operation and passes them on to who waits. */
final class Phases {
  private final Progress progress;
  private final List<Timing> timings = new ArrayList<>();
  private @Nullable String current;
  private long since;

  /**
   * One phase.
   *
   * @param phase its name
   * @param milliseconds how long it took
   */
  record Timing(String phase, double milliseconds) {}

  Phases(Progress progress) {
    this.progress = progress;
  }

  void begin(String phase) {
    end();
    current = phase;
    since = System.nanoTime();
    progress.phase(phase);
  }

  List<Report.Phase> end() {
    if (current != null) {
      timings.add(new Timing(current, (System.nanoTime() - since) / 1e6));
      current = null;
    }
    return timings.stream()
        .map(t -> new Report.Phase(t.phase(), Report.round(t.milliseconds())))
        .toList();
  }
}
