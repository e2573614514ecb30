package org.lucos.patcher.app;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.lucos.patcher.guestcall.GuestCalls;
import org.lucos.patcher.kernel.RunningKernel;
import org.lucos.patcher.plan.GuestHooks;
import org.lucos.patcher.refusal.RefusedException;
import org.lucos.patcher.refusal.Straggler;
import org.lucos.patcher.transaction.Drain;
import org.lucos.patcher.transaction.GuestPatch;
import org.lucos.patcher.transaction.Journal;
import org.lucos.patcher.transaction.PatchCallback;

/**
 * Shows which patches a guest has, told by the guest's memory alone, and which wait for a module,
 * as this host has recorded them.
 */
public final class ShowStatus {
  private final Settings settings;

  /** Works with these settings. */
  public ShowStatus(Settings settings) {
    this.settings = settings;
  }

  /** What was found. */
  public record Outcome(Report.Guest guest, List<Patch> patches, List<String> notes) {
    /** Copies the lists. */
    public Outcome {
      patches = List.copyOf(patches);
      notes = List.copyOf(notes);
    }
  }

  /**
   * One patch.
   *
   * @param appliedAt when it was applied, or began to wait
   * @param draining tasks inside the code that it replaced
   * @param waitsFor modules that it waits for; of one that expired with the guest's last boot none
   */
  public record Patch(
      String patch,
      String state,
      String description,
      List<String> fixes,
      String module,
      String appliedAt,
      List<Function> functions,
      List<Callback> callbacks,
      List<Straggler> draining,
      List<String> waitsFor) {
    /** Copies the lists. */
    public Patch {
      callbacks = List.copyOf(callbacks);
      fixes = List.copyOf(fixes);
      functions = List.copyOf(functions);
      draining = List.copyOf(draining);
      waitsFor = List.copyOf(waitsFor);
    }
  }

  /** One replaced function and what stands at its site. */
  public record Function(String name, String site, String state) {}

  /** One callback: when it runs, its name, whose code it goes with, and how far it has got. */
  public record Callback(String kind, String function, String object, String state) {}

  /** Reads the guest; pauses nothing. */
  public Outcome run(String guest) {
    try (GuestSession session = GuestSession.reading(settings, guest)) {
      return of(session);
    }
  }

  /** Of a guest that is open already. */
  Outcome of(GuestSession session) {
    RunningKernel kernel = session.kernel();
    List<String> notes = new ArrayList<>();
    if (GuestCalls.isLeftOpen(kernel)) {
      notes.add("a guest call is under way, or a controller died during one");
    }
    List<Patch> patches = new ArrayList<>();
    GuestHooks hooks = GuestHooks.of(kernel);
    for (GuestPatch patch : GuestPatch.all(kernel)) {
      patches.add(describe(kernel, patch));
      notes.addAll(HookNotes.bypasses(hooks, patch));
      notes.addAll(HookNotes.probes(hooks, patch));
    }
    WaitingPatches.Recorded recorded =
        new WaitingPatches(settings, session.domain().identity().uuid()).all();
    String boot = kernel.identity().boot();
    for (WaitingPatches.Waiting waiting : recorded.patches()) {
      List<String> absent = PreparedPatch.absent(waiting.targets(), kernel);
      patches.add(WaitingApply.describe(waiting, boot, absent));
    }
    unfinished(session).ifPresent(notes::add);
    recorded.damaged().forEach(file -> notes.add("damaged record of a waiting patch: " + file));
    return new Outcome(session.describe(), patches, notes);
  }

  private Optional<String> unfinished(GuestSession session) {
    try {
      return Journal.read(settings.state(), session.domain().identity().uuid())
          .map(
              found ->
                  found.operation().describe()
                      + ", begun "
                      + found.operation().began()
                      + " by pid "
                      + found.operation().pid()
                      + ", is not over; unless that runs still, 'lucos recover' ends it");
    } catch (RefusedException e) {
      return Optional.of(e.refusal().message() + "; " + e.refusal().remedy());
    }
  }

  private static Patch describe(RunningKernel kernel, GuestPatch patch) {
    List<Function> functions =
        patch.sites().stream()
            .map(
                site ->
                    new Function(
                        site.target().function(),
                        site.redirect().at().toString(),
                        lower(site.state()) + over(site)))
            .toList();
    Drain drain = Drain.of(kernel, patch);
    return new Patch(
        patch.ledger().patch(),
        drain.state().label(),
        patch.ledger().description(),
        patch.ledger().fixes(),
        patch.module().name(),
        patch.ledger().appliedAt(),
        functions,
        PatchCallback.all(kernel, patch).stream().map(ShowStatus::describe).toList(),
        drain.inside(),
        List.of());
  }

  private static Callback describe(PatchCallback callback) {
    String state = lower(callback.progress()).replace('_', ' ');
    return new Callback(
        callback.entry().kind().label(),
        callback.entry().function(),
        callback.entry().module().isEmpty() ? "vmlinux" : callback.entry().module(),
        callback.result() == 0 ? state : state + " " + callback.result());
  }

  private static String over(GuestPatch.Site site) {
    String by = String.join(", ", site.covering());
    return by.isEmpty() ? "" : " by " + by;
  }

  private static String lower(Enum<?> value) {
    return value.name().toLowerCase(Locale.ROOT);
  }
}
