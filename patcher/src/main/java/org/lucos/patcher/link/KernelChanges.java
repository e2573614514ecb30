package org.lucos.patcher.link;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import org.lucos.bridge.addr.AddressRange;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.patcher.bytes.Bytes;
import org.lucos.patcher.kernel.Kprobes.Kprobe;
import org.lucos.patcher.kernel.LoadedModule;
import org.lucos.patcher.kernel.RunningKernel;

/** The changes of text that a running kernel has on record: its kprobes and our patch modules. */
final class KernelChanges implements LiveText {
  /** Names of patch modules begin with this. */
  private static final String PATCH_PREFIX = "lucos_";

  private static final int INT3 = 0xcc;
  private static final int JUMP = 0xe9;

  private final RunningKernel kernel;
  private final Function<GuestVirtualAddress, Optional<Bytes>> own;

  /**
   * @param own what was under the jumps of our patch modules
   */
  KernelChanges(RunningKernel kernel, Function<GuestVirtualAddress, Optional<Bytes>> own) {
    this.kernel = kernel;
    this.own = own;
  }

  @Override
  public Optional<Bytes> own(GuestVirtualAddress site) {
    return own.apply(site);
  }

  @Override
  public List<LiveChange> probes(AddressRange range) {
    List<LiveChange> found = new ArrayList<>();
    for (Kprobe probe : kernel.kprobes().touching(range)) {
      int first = kernel.memory().u8(probe.address());
      if (!probe.onFtrace() && (first == INT3 || first == JUMP)) {
        int size = first == JUMP || probe.optimised() ? 5 : 1;
        found.add(new LiveChange(probe.address(), size, LiveChange.Kind.PROBE, "kprobe"));
      }
    }
    found.sort(Comparator.comparing(LiveChange::at));
    return found;
  }

  @Override
  public String patchModule(GuestVirtualAddress address) {
    return kernel.modules().stream()
        .filter(module -> module.name().startsWith(PATCH_PREFIX) && module.containsText(address))
        .map(LoadedModule::name)
        .findFirst()
        .orElse("");
  }
}
