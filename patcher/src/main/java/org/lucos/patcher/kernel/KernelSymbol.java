package org.lucos.patcher.kernel;

import java.util.Optional;
import org.lucos.bridge.addr.GuestVirtualAddress;

/**
 * A symbol of the running kernel or of one of its modules.
 *
 * @param name as in {@code /proc/kallsyms}
 * @param address its run-time address; of a per-CPU symbol of vmlinux, the offset in each CPU's
 *     area
 * @param type the letter of {@code nm}: upper case is global
 * @param module the module it belongs to; empty for vmlinux
 */
public record KernelSymbol(
    String name, GuestVirtualAddress address, char type, Optional<String> module) {

  /** Whether it names code. */
  public boolean isText() {
    return type == 't' || type == 'T' || type == 'w' || type == 'W';
  }
}
