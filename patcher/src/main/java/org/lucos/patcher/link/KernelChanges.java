package org.lucos.patcher.link;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.lucos.bridge.addr.AddressRange;
import org.lucos.bridge.addr.GuestVirtualAddress;
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

  KernelChanges(RunningKernel kernel) {
    this.kernel = kernel;
  }

  @Override
  public List<LiveChange> probes(AddressRange range) {
    List<LiveChange> found = new ArrayList<>();
    for (Kprobe probe : kernel.kprobes().touching(range)) {
      int first = kernel.memory().u8(probe.address());
      if (!probe.onFtrace() && (first == INT3 || first == JUMP)) {
        found.add(
            new LiveChange(
                probe.address(), first == INT3 ? 1 : 5, LiveChange.Kind.PROBE, "kprobe"));
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
