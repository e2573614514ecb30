package org.lucos.patcher.app;

import java.util.ArrayList;
import java.util.List;
import org.lucos.bridge.domain.DomainIdentity;
import org.lucos.bridge.domain.DomainRefusedException;
import org.lucos.bridge.domain.GuestDomain;
import org.lucos.bridge.domain.GuestHost;
import org.lucos.patcher.bytes.MalformedDataException;
import org.lucos.patcher.kernel.RunningKernel;
import org.lucos.patcher.refusal.RefusedException;
import org.lucos.patcher.transaction.GuestPatch;

/** Lists the running guests of a host, with what can be seen of each. */
public final class ListGuests {
  private final Settings settings;

  /** Works with these settings. */
  public ListGuests(Settings settings) {
    this.settings = settings;
  }

  /** The guests of a host. */
  public record Outcome(List<Guest> guests) {
    /** Copies the list. */
    public Outcome {
      guests = List.copyOf(guests);
    }
  }

  /**
   * One guest.
   *
   * @param kernel its release, or why it cannot be told
   * @param patches names and states
   */
  public record Guest(
      int id, String name, String uuid, String state, String kernel, List<String> patches) {
    /** Copies the list. */
    public Guest {
      patches = List.copyOf(patches);
    }
  }

  /** Looks at every running guest; one that cannot be read is listed with the reason. */
  public Outcome run() {
    List<Guest> guests = new ArrayList<>();
    try (GuestHost hypervisor = settings.connect()) {
      for (DomainIdentity identity : hypervisor.running()) {
        guests.add(look(hypervisor, identity));
      }
    }
    return new Outcome(guests);
  }

  private Guest look(GuestHost hypervisor, DomainIdentity identity) {
    String state = "unknown";
    String kernelText;
    List<String> patches = new ArrayList<>();
    try (GuestDomain domain = hypervisor.attach(identity.uuid().toString())) {
      state = domain.state().name().toLowerCase(java.util.Locale.ROOT);
      RunningKernel kernel = RunningKernel.attach(domain, settings.cache().resolve("running"));
      kernelText = kernel.identity().release();
      for (GuestPatch patch : GuestPatch.all(kernel)) {
        String name = patch.ledger().patch();
        patches.add(
            patch.state() == org.lucos.patcher.transaction.PatchState.APPLIED
                ? name
                : name + " (" + patch.state().name().toLowerCase(java.util.Locale.ROOT) + ")");
      }
    } catch (DomainRefusedException | RefusedException | MalformedDataException e) {
      kernelText = "(" + e.getMessage() + ")";
    }
    return new Guest(
        identity.id(), identity.name(), identity.uuid().toString(), state, kernelText, patches);
  }
}
