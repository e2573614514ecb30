package org.lucos.patcher.app;

import java.util.List;
import org.lucos.patcher.build.BuildListener;

/** Build steps become phases; what is to be known is kept for the report. */
record PhaseListener(Phases phases, Progress progress, List<String> notes, String prefix)
    implements BuildListener {
  @Override
  public void step(String what) {
    phases.begin(prefix + what);
  }

  @Override
  public void progress(long done, long total) {
    progress.detail(total > 0 ? 100 * done / total + " %" : Long.toString(done));
  }

  @Override
  public void note(String text) {
    notes.add(prefix + text);
  }
}
