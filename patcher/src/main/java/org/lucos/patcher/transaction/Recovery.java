package org.lucos.patcher.transaction;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.lucos.patcher.guestcall.GuestCalls;
import org.lucos.patcher.kernel.RunningKernel;
import org.lucos.patcher.refusal.BusyRefusal;
import org.lucos.patcher.refusal.RefusedException;
import org.lucos.patcher.transaction.Journal.Entry;
import org.lucos.patcher.transaction.Journal.Operation;

/**
 * Ends an operation whose controller has died. What it got to is read from the guest: all jumps
 * change in one pause, which is undone by the watchdog if it is not completed, so they are as
 * before or as wanted. In the first case the rest is undone, in the second it is finished.
 */
public final class Recovery {
  /** What was found. */
  public enum Verdict {
    /** The jumps are as wanted: what comes behind the switch is done. */
    FINISH,
    /** The jumps are as before: what was done before the switch is undone. */
    UNDO,
    /** Neither, which is nobody's work of ours: what is not redirected is taken out. */
    MIXED
  }

  private final RunningKernel kernel;
  private final PatchSwitch patchSwitch;
  private final Duration limit;
  private final List<String> notes = new ArrayList<>();

  /**
   * @param limit how long each guest call may wait for a task to carry it
   */
  public Recovery(RunningKernel kernel, PatchSwitch patchSwitch, Duration limit) {
    this.kernel = kernel;
    this.patchSwitch = patchSwitch;
    this.limit = limit;
  }

  /**
   * How many jumps of a patch are in place, and how many should be.
   *
   * @param now those in place
   * @param full all of them, as {@link Entry#jumps} counts
   */
  record Jumps(int now, int full) {}

  /** How far an operation got. */
  static Verdict judge(List<Jumps> leaving, List<Jumps> coming) {
    boolean out = leaving.stream().allMatch(jumps -> jumps.now() == 0);
    boolean in = coming.stream().allMatch(jumps -> jumps.now() == jumps.full());
    if (out && in) {
      return Verdict.FINISH;
    }
    boolean stillIn = leaving.stream().allMatch(jumps -> jumps.now() == jumps.full());
    boolean notYetIn = coming.stream().allMatch(jumps -> jumps.now() == 0);
    return stillIn && notYetIn ? Verdict.UNDO : Verdict.MIXED;
  }

  /** Looks how far an operation got; a guest call that its controller left is awaited first. */
  public Verdict judge(Operation operation) {
    GuestCalls.open(kernel).close();
    return judge(jumps(kernel, operation.leaving()), jumps(kernel, operation.coming()));
  }

  /**
   * Whether an operation's switch was made; only reads the guest. What failed does not tell: a
   * pause may fail in its last step, when all is written.
   */
  public static boolean isSwitched(RunningKernel kernel, Operation operation) {
    return isSwitched(jumps(kernel, operation.leaving()), jumps(kernel, operation.coming()));
  }

  /** Where there was nothing to switch, nothing was. */
  static boolean isSwitched(List<Jumps> leaving, List<Jumps> coming) {
    boolean any = Stream.concat(leaving.stream(), coming.stream()).anyMatch(j -> j.full() > 0);
    return any && judge(leaving, coming) == Verdict.FINISH;
  }

  private static List<Jumps> jumps(RunningKernel kernel, List<Entry> entries) {
    List<Jumps> jumps = new ArrayList<>();
    for (Entry entry : entries) {
      int now =
          find(kernel, entry)
              .map(patch -> (int) patch.sites().stream().filter(GuestPatch.Site::isTaken).count())
              .orElse(0);
      jumps.add(new Jumps(now, entry.jumps()));
    }
    return jumps;
  }

  /**
   * Finishes or undoes an operation, whatever of that was done already.
   *
   * @param again modules of patches that are about to be taken out anyway
   */
  public Verdict run(Operation operation, List<String> again) {
    Verdict verdict = judge(operation);
    if (verdict == Verdict.FINISH) {
      for (Entry entry : operation.coming()) {
        find(kernel, entry).ifPresent(patchSwitch.callbacks(limit)::postPatch);
      }
      operation.leaving().forEach(this::takeOut);
    } else {
      List<Entry> coming = new ArrayList<>(operation.coming());
      Collections.reverse(coming);
      coming.forEach(this::takeOut);
      for (Entry entry : operation.leaving()) {
        find(kernel, entry)
            .filter(patch -> patch.isInUse() && !again.contains(entry.module()))
            .ifPresent(patchSwitch.callbacks(limit)::stayPatched);
      }
    }
    return verdict;
  }

  /** What could not be done, and need not be: modules that somebody in the guest holds. */
  public List<String> notes() {
    return List.copyOf(notes);
  }

  /** Gives back a module that redirects nothing. */
  private void takeOut(Entry entry) {
    Optional<GuestPatch> patch = find(kernel, entry);
    if (patch.isEmpty() || patch.get().isInUse()) {
      return;
    }
    try {
      patchSwitch.unloadUnlessRetained(entry.module(), limit);
    } catch (RefusedException e) {
      if (!(e.refusal() instanceof BusyRefusal.UnloadFailed)) {
        throw e;
      }
      notes.add(e.refusal().message()); // its functions are restored: no reason to stop others
    }
  }

  private static Optional<GuestPatch> find(RunningKernel kernel, Entry entry) {
    return GuestPatch.all(kernel).stream()
        .filter(patch -> patch.module().name().equals(entry.module()))
        .findFirst();
  }
}
