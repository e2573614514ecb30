package org.lucos.patcher.app;

import java.util.ArrayList;
import java.util.List;
import org.lucos.bridge.addr.AddressRange;
import org.lucos.patcher.kernel.Kprobes.Kprobe;
import org.lucos.patcher.plan.GuestHooks;
import org.lucos.patcher.plan.TextEdit;
import org.lucos.patcher.transaction.GuestPatch;
import org.lucos.patcher.transaction.Ledger;

/** What the guest's own hooks mean for a patch that is applied. */
final class HookNotes {
  private HookNotes() {}

  /** Functions whose calls a livepatch of the guest's own diverts before they come to our jump. */
  static List<String> bypasses(GuestHooks hooks, GuestPatch patch) {
    List<String> notes = new ArrayList<>();
    for (GuestPatch.Site site : patch.sites()) {
      if (site.isTaken()) {
        site.target().code().stream()
            .map(Ledger.Code::range)
            .flatMap(range -> hooks.divertedBy(range).stream())
            .forEach(
                by ->
                    notes.add(
                        site.target().function()
                            + ": the guest's own livepatch "
                            + by
                            + " is called instead of "
                            + patch.ledger().patch()
                            + " until it is disabled"));
      }
    }
    return notes;
  }

  /** Probes that stand on our jumps. */
  static List<String> probes(GuestHooks hooks, GuestPatch patch) {
    List<String> notes = new ArrayList<>();
    for (GuestPatch.Site site : patch.sites()) {
      if (site.isTaken()) {
        AddressRange jump = new AddressRange(site.redirect().at(), TextEdit.REDIRECT_SIZE);
        for (Kprobe probe : hooks.on(jump)) {
          notes.add(
              site.target().function()
                  + ": the kprobe at "
                  + probe.address()
                  + " stands on the jump of "
                  + patch.ledger().patch()
                  + ", which cannot be reverted while it is there");
        }
      }
    }
    return notes;
  }
}
