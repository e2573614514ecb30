package org.lucos.patcher.transaction;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.patcher.bytes.Bytes;
import org.lucos.patcher.consistency.NamedRange;
import org.lucos.patcher.plan.TextEdit;

/**
 * What stands at a redirect site: the function's own bytes, and above them the jumps of patches.
 * Only the topmost is in guest text; each patch's ledger has the bytes that its jump lies on.
 *
 * @param site where the jump is
 * @param now the bytes there
 * @param own the bytes under the lowest jump that is known; {@code now} if there is none
 * @param layers from the lowest jump to the topmost
 */
record SiteStack(GuestVirtualAddress site, Bytes now, Bytes own, List<Layer> layers) {

  /** Copies the list. */
  SiteStack {
    layers = List.copyOf(layers);
  }

  /**
   * A patch's jump.
   *
   * @param module that holds the replacement
   * @param patch name of the patch
   * @param redirect from what it lies on to the jump
   * @param code of the replacement
   */
  record Layer(String module, String patch, TextEdit redirect, List<NamedRange> code) {
    Layer {
      code = List.copyOf(code);
    }
  }

  /**
   * Goes down from what is there, as long as it is the jump of a patch.
   *
   * @param known the jumps that patches in the guest may have put there
   */
  static SiteStack of(GuestVirtualAddress site, byte[] now, List<Layer> known) {
    List<Layer> rest = new ArrayList<>(known);
    List<Layer> found = new ArrayList<>();
    byte[] under = now;
    Optional<Layer> next = jump(rest, now);
    while (next.isPresent()) {
      rest.remove(next.get());
      found.add(0, next.get());
      byte[] below = next.get().redirect().expected();
      under = below;
      next = jump(rest, below);
    }
    return new SiteStack(site, Bytes.of(now), Bytes.of(under), found);
  }

  private static Optional<Layer> jump(List<Layer> layers, byte[] bytes) {
    return layers.stream()
        .filter(layer -> Arrays.equals(layer.redirect().replacement(), bytes))
        .findFirst();
  }

  /** The height of a module's jump, from 0; nothing if it is not there. */
  Optional<Integer> heightOf(String module) {
    for (int i = 0; i < layers.size(); i++) {
      if (layers.get(i).module().equals(module)) {
        return Optional.of(i);
      }
    }
    return Optional.empty();
  }

  /** The jumps below a module's, lowest first; all if it has none there. */
  List<Layer> below(String module) {
    return layers.subList(0, heightOf(module).orElse(layers.size()));
  }

  /** The jumps above a module's, lowest first; none if it has none there. */
  List<Layer> above(String module) {
    return heightOf(module).map(i -> layers.subList(i + 1, layers.size())).orElse(List.of());
  }
}
