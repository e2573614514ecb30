package org.lucos.patcher.link;

import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import org.lucos.bridge.addr.AddressRange;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.bridge.memory.GuestMemory;
import org.lucos.patcher.bytes.Bytes;
import org.lucos.patcher.kernel.KernelIdentity;
import org.lucos.patcher.kernel.RunningKernel;
import org.lucos.patcher.kernel.SymbolTable;

/**
 * What linking looks at in a running kernel.
 *
 * @param identity which kernel it is
 * @param symbols of vmlinux
 * @param memory of the guest
 * @param text the code of vmlinux that is kept after boot
 * @param changes who has changed it
 * @param modules the code of a module, by its name; refuses what is not loaded
 */
record RunningCode(
    KernelIdentity identity,
    SymbolTable symbols,
    GuestMemory memory,
    AddressRange text,
    LiveText changes,
    Function<String, CodeHome> modules) {

  /** All of it that linking asks of a kernel without patches. */
  static RunningCode of(RunningKernel kernel) {
    return of(kernel, site -> Optional.empty());
  }

  /**
   * All of it that linking asks of a kernel.
   *
   * @param own what was under the jumps of our patch modules
   */
  static RunningCode of(RunningKernel kernel, Function<GuestVirtualAddress, Optional<Bytes>> own) {
    return new RunningCode(
        kernel.identity(),
        kernel.symbols(),
        kernel.memory(),
        kernel.text(),
        new KernelChanges(kernel, own),
        new ModuleHomes(kernel));
  }

  /** The code of a module, or of vmlinux. */
  CodeHome home(Optional<String> module) {
    return module
        .map(modules)
        .orElseGet(
            () -> new CodeHome(Optional.empty(), SymbolScope.ofVmlinux(symbols), List.of(text)));
  }

  /**
   * How far in front of a function direct calls go while call depth tracking is on: the size of the
   * code it puts there, {@code SKL_TMPL_SIZE} of arch/x86/kernel/callthunks.c; else 0.
   */
  long callThunk() {
    boolean on =
        symbols.all("thunks_initialized").size() == 1
            && memory.u8(symbols.address("thunks_initialized")) != 0;
    return on
        ? symbols.address("skl_call_thunk_tail").minus(symbols.address("skl_call_thunk_template"))
        : 0;
  }
}
