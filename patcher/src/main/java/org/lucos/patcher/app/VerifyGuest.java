package org.lucos.patcher.app;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.lucos.patcher.build.KernelImages;
import org.lucos.patcher.build.PatchVariant.CallbackKind;
import org.lucos.patcher.kernel.RunningKernel;
import org.lucos.patcher.link.KernelTextCheck;
import org.lucos.patcher.plan.GuestHooks;
import org.lucos.patcher.refusal.HostRefusal;
import org.lucos.patcher.refusal.RefusedException;
import org.lucos.patcher.transaction.GuestPatch;
import org.lucos.patcher.transaction.PatchCallback;
import org.lucos.patcher.transaction.PatchState;

/**
 * Compares the text of a guest's kernel, and what its patches have changed, with what should be
 * there. Pauses and writes nothing.
 */
public final class VerifyGuest {
  private final Settings settings;

  /** Works with these settings. */
  public VerifyGuest(Settings settings) {
    this.settings = settings;
  }

  /**
   * What to compare.
   *
   * @param guest name, UUID or id
   * @param wholeText all text of vmlinux too, not only the sites of patches
   * @param image a boot image of the guest's kernel, or the kernel in it; if none is named, the
   *     package with the guest's build-id is fetched
   */
  public record Request(String guest, boolean wholeText, Optional<Path> image) {}

  /**
   * What was found.
   *
   * @param text how the kernel's whole text compares
   */
  public record Outcome(
      Report.Guest guest, int patches, int sites, boolean sound, List<String> problems, Text text) {
    /** Copies the list. */
    public Outcome {
      problems = List.copyOf(problems);
    }
  }

  /**
   * The kernel's text against its image.
   *
   * @param compared whether it was; if not, {@code note} says why
   * @param scope what of the guest's code it speaks for
   * @param bytes how many were compared
   * @param explained places that differ as the kernel itself, a tracer, a probe or a patch of ours
   *     makes them differ, by kind
   * @param differences all other places
   */
  public record Text(
      boolean compared,
      String scope,
      String note,
      long bytes,
      Map<String, Integer> explained,
      List<Difference> differences) {
    /** Copies the collections. */
    public Text {
      explained = Collections.unmodifiableSortedMap(new TreeMap<>(explained));
      differences = List.copyOf(differences);
    }

    static Text notCompared(String why) {
      return new Text(false, "sites of patches only", why, 0, Map.of(), List.of());
    }
  }

  /**
   * Text that is not what it should be.
   *
   * @param place symbol and offset
   * @param address the first byte that differs, hexadecimal
   * @param expected bytes of the image
   * @param found bytes of the guest
   */
  public record Difference(String place, String address, String expected, String found) {}

  /** Reads every site of every patch, and nothing else. */
  public Outcome run(String guest) {
    return run(new Request(guest, false, Optional.empty()), Progress.SILENT);
  }

  /** Compares. */
  public Outcome run(Request request, Progress progress) {
    Phases phases = new Phases(progress);
    phases.begin("attach");
    try (GuestSession session = GuestSession.reading(settings, request.guest())) {
      RunningKernel kernel = session.kernel();
      List<GuestPatch> patches = GuestPatch.all(kernel);
      Text text =
          request.wholeText()
              ? text(request, kernel, patches, phases, progress)
              : Text.notCompared("not asked for");
      GuestHooks hooks = GuestHooks.of(kernel);
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
        problems.addAll(HookNotes.bypasses(hooks, patch));
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
      boolean sound = problems.isEmpty() && text.differences().isEmpty();
      return new Outcome(session.describe(), patches.size(), sites, sound, problems, text);
    }
  }

  private Text text(
      Request request,
      RunningKernel kernel,
      List<GuestPatch> patches,
      Phases phases,
      Progress progress) {
    List<String> notes = new ArrayList<>();
    byte[] vmlinux;
    try {
      vmlinux =
          KernelImages.onThisHost(settings.cache())
              .of(
                  request.image(),
                  kernel.identity().release(),
                  kernel.identity().buildId(),
                  new PhaseListener(phases, progress, notes, ""));
    } catch (RefusedException e) {
      if (request.image().isPresent() || !(e.refusal() instanceof HostRefusal)) {
        throw e;
      }
      return Text.notCompared(e.refusal().message() + "; name an image with --vmlinuz");
    }
    phases.begin("compare kernel text");
    KernelTextCheck check = new KernelTextCheck(kernel, vmlinux, known(patches));
    KernelTextCheck.Outcome found =
        check.run(done -> progress.detail(100 * done / check.size() + " %"));
    return new Text(
        true,
        "vmlinux only; the text of modules was not compared",
        String.join("; ", notes),
        found.bytes(),
        found.counts(),
        found.differences().stream()
            .map(d -> new Difference(d.place(), d.address(), d.expected(), d.found()))
            .toList());
  }

  /** The jumps of patches, with the functions' own bytes under them. */
  private static List<KernelTextCheck.Known> known(List<GuestPatch> patches) {
    List<KernelTextCheck.Known> known = new ArrayList<>();
    for (GuestPatch patch : patches) {
      for (GuestPatch.Site site : patch.sites()) {
        if (site.state() == GuestPatch.SiteState.REDIRECTED) {
          known.add(
              new KernelTextCheck.Known(
                  site.redirect().at(), site.redirect().replacement(), site.target().ownBytes()));
        }
      }
    }
    return known;
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
