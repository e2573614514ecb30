package org.lucos.patcher.app;

import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import org.lucos.patcher.plan.PlanRenderer;
import org.lucos.patcher.transaction.GuestPatch;
import org.lucos.patcher.transaction.SwitchGround;

/** Checks everything a patch needs in a guest, and shows what would be done. Writes nothing. */
public final class PlanPatch {
  private final Settings settings;

  /** Works with these settings. */
  public PlanPatch(Settings settings) {
    this.settings = settings;
  }

  /**
   * The plan.
   *
   * @param text as a person reads it; stable for the same patch in the same boot of a guest
   */
  public record Outcome(
      Report.Guest guest,
      String patch,
      String module,
      int imageBytes,
      List<Report.Function> functions,
      List<String> inUse,
      double expectedPauseMilliseconds,
      List<String> warnings,
      Report.Signature signature,
      List<Report.Phase> phases,
      String text) {
    /** Copies the lists. */
    public Outcome {
      functions = List.copyOf(functions);
      inUse = List.copyOf(inUse);
      warnings = List.copyOf(warnings);
      phases = List.copyOf(phases);
    }
  }

  /** Plans the patch, or says why it cannot be applied. */
  public Outcome run(String guest, Path bundle, Progress progress) {
    Phases phases = new Phases(progress);
    phases.begin("read bundle");
    CheckedBundle checked = CheckedBundle.read(bundle, settings, true);
    phases.begin("attach");
    try (GuestSession session = GuestSession.reading(settings, guest)) {
      SwitchGround ground = SwitchGround.of(GuestPatch.all(session.kernel()), Set.of());
      PreparedPatch prepared =
          PreparedPatch.prepare(session.kernel(), checked, phases, ground, Set.of());
      phases.begin("look at stacks");
      Occupancy occupancy = Occupancy.measure(session, prepared.plan());
      List<Report.Phase> timings = phases.end();
      return new Outcome(
          session.describe(),
          prepared.description().name(),
          prepared.moduleName(),
          prepared.image(session.kernel(), settings.clock().instant(), ground, false).length,
          functions(prepared),
          occupancy.inUse(),
          occupancy.expectedPauseMilliseconds(),
          prepared.warnings(),
          checked.signature(),
          timings,
          PlanRenderer.render(prepared.plan())
              + String.format("%-10s%s%n", "signature", checked.signature().text())
              + occupancy.text());
    }
  }

  static List<Report.Function> functions(PreparedPatch prepared) {
    return prepared.plan().functions().stream()
        .map(
            site ->
                new Report.Function(
                    site.name(),
                    site.code().start().toString(),
                    site.site().toString(),
                    site.replacement()))
        .toList();
  }
}
