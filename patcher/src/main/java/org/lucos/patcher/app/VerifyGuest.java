package org.lucos.patcher.app;

import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import org.lucos.patcher.build.PatchVariant.CallbackKind;
import org.lucos.patcher.kernel.RunningKernel;
import org.lucos.patcher.transaction.GuestPatch;
import org.lucos.patcher.transaction.PatchCallback;
import org.lucos.patcher.transaction.PatchState;

/** Compares the text of a guest's patches with what should be there. Pauses and writes nothing. */
public final class VerifyGuest {
  private final Settings settings;

  /** Works with these settings. */
  public VerifyGuest(Settings settings) {
    this.settings = settings;
  }

  /** What was found. */
  public record Outcome(
      Report.Guest guest, int patches, int sites, boolean sound, List<String> problems) {
    /** Copies the list. */
    public Outcome {
      problems = List.copyOf(problems);
    }
  }

  /** Reads every site of every patch. */
  public Outcome run(String guest) {
    try (GuestSession session = GuestSession.reading(settings, guest)) {
      RunningKernel kernel = session.kernel();
      List<GuestPatch> patches = GuestPatch.all(kernel);
      List<String> problems = new ArrayList<>();
      int sites = 0;
      for (GuestPatch patch : patches) {
        sites += patch.sites().size();
        if (patch.state() == PatchState.LOADED) {
          problems.add(patch.ledger().patch() + " is loaded, but redirects nothing");
        }
        if (patch.state() == PatchState.ORPHANED) {
          problems.add(
              patch.ledger().patch()
                  + " changes a module that is gone or was loaded anew: "
                  + String.join(", ", patch.goneModules()));
        }
        problems.addAll(callbacks(kernel, patch));
        for (GuestPatch.Site site : patch.sites()) {
          if (site.hasLostGround()) {
            problems.add(
                patch.ledger().patch()
                    + ": "
                    + site.target().function()
                    + " stood on module "
                    + site.target().over()
                    + ", which is gone");
          }
          if (site.state() == GuestPatch.SiteState.FOREIGN
              || (patch.state() == PatchState.FAILED
                  && site.state() == GuestPatch.SiteState.ORIGINAL)) {
            problems.add(describe(kernel, patch, site));
          }
        }
      }
      return new Outcome(session.describe(), patches.size(), sites, problems.isEmpty(), problems);
    }
  }

  /** Callbacks that a patch in use should have run, and those that never came back. */
  private static List<String> callbacks(RunningKernel kernel, GuestPatch patch) {
    List<String> problems = new ArrayList<>();
    for (PatchCallback callback : PatchCallback.all(kernel, patch)) {
      boolean begun = callback.progress() == PatchCallback.Progress.BEGUN;
      boolean missing =
          patch.state() == PatchState.APPLIED
              && callback.entry().kind() == CallbackKind.POST_PATCH
              && callback.progress() == PatchCallback.Progress.NOT_RUN;
      if (begun || missing) {
        problems.add(
            patch.ledger().patch()
                + ": callback "
                + callback
                + (begun ? " has begun and not returned" : " has not run"));
      }
    }
    return problems;
  }

  private static String describe(RunningKernel kernel, GuestPatch patch, GuestPatch.Site site) {
    HexFormat hex = HexFormat.of();
    byte[] now = kernel.memory().bytes(site.redirect().at(), site.redirect().replacement().length);
    return patch.ledger().patch()
        + ": "
        + site.target().function()
        + " at "
        + site.redirect().at()
        + " holds "
        + hex.formatHex(now)
        + ", not "
        + hex.formatHex(site.redirect().replacement());
  }
}
