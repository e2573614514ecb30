package org.lucos.patcher.consistency;

import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.lucos.patcher.kernel.BtfTypes;
import org.lucos.patcher.kernel.SymbolTable;

/**
 * Every offset and address a check needs, found once for a boot of the guest.
 *
 * @param taskStarts where a task that has never run resumes
 */
record Layouts(
    CpuLayout cpus,
    FrameLayout frames,
    ReturnHijacks.Layout hijacks,
    BlindSpots.Layout blindSpots,
    Set<Long> taskStarts) {

  static Layouts of(SymbolTable symbols, BtfTypes types) {
    Set<Long> starts = new HashSet<>();
    for (String name : List.of("ret_from_fork", "ret_from_fork_asm")) {
      symbols.all(name).forEach(symbol -> starts.add(symbol.address().value()));
    }
    return new Layouts(
        CpuLayout.of(symbols, types),
        FrameLayout.of(types),
        ReturnHijacks.layout(symbols, types),
        BlindSpots.layout(symbols, types),
        starts);
  }
}
