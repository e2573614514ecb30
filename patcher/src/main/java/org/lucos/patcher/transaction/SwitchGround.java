package org.lucos.patcher.transaction;

import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.patcher.bytes.Bytes;

/**
 * What new jumps will lie on: at each site that patches have redirected, what is left there once
 * those that leave are gone, and those that come before are in.
 */
public final class SwitchGround {
  private final Map<GuestVirtualAddress, Ground> grounds;

  /**
   * At one site.
   *
   * @param bytes what will be there
   * @param module whose jump that is; empty if it is the function's own code
   * @param own the function's own bytes
   */
  public record Ground(Bytes bytes, String module, Bytes own) {}

  private SwitchGround(Map<GuestVirtualAddress, Ground> grounds) {
    this.grounds = Map.copyOf(grounds);
  }

  /**
   * The ground in a guest. A site of which the function's own bytes are not on record is left out.
   *
   * @param all patches in the guest
   * @param leaving names of the modules of those that are taken out in the same switch
   */
  public static SwitchGround of(Collection<GuestPatch> all, Set<String> leaving) {
    Map<GuestVirtualAddress, Ground> grounds = new HashMap<>();
    for (GuestPatch patch : all) {
      for (GuestPatch.Site site : patch.sites()) {
        if (site.isTaken() && site.stack().own().equals(Bytes.of(site.target().ownBytes()))) {
          grounds.put(site.redirect().at(), under(site.stack(), leaving));
        }
      }
    }
    return new SwitchGround(grounds);
  }

  private static Ground under(SiteStack stack, Set<String> leaving) {
    List<SiteStack.Layer> staying =
        stack.layers().stream().filter(layer -> !leaving.contains(layer.module())).toList();
    if (staying.isEmpty()) {
      return new Ground(stack.own(), "", stack.own());
    }
    SiteStack.Layer top = staying.get(staying.size() - 1);
    return new Ground(Bytes.of(top.redirect().replacement()), top.module(), stack.own());
  }

  /** The same with a patch's jumps on top. */
  public SwitchGround under(GuestPatch coming) {
    Map<GuestVirtualAddress, Ground> more = new HashMap<>(grounds);
    for (GuestPatch.Site site : coming.sites()) {
      more.put(
          site.redirect().at(),
          new Ground(
              Bytes.of(site.redirect().replacement()),
              coming.module().name(),
              Bytes.of(site.target().ownBytes())));
    }
    return new SwitchGround(more);
  }

  /** What will be at a site; nothing if no patch has to do with it. */
  public Optional<Ground> at(GuestVirtualAddress site) {
    return Optional.ofNullable(grounds.get(site));
  }

  /** The function's own bytes at a site, if a patch has recorded them. */
  public Optional<Bytes> own(GuestVirtualAddress site) {
    return at(site).map(Ground::own);
  }
}
