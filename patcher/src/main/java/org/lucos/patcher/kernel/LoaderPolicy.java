package org.lucos.patcher.kernel;

import java.util.List;
import java.util.Optional;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.bridge.memory.GuestMemory;

/**
 * Whether the guest's kernel takes a module without a signature: what {@code module_sig_check()}
 * and {@code security_locked_down(LOCKDOWN_MODULE_SIGNATURE)} will say (kernel/module/signing.c,
 * security/lockdown/lockdown.c), and whether the administrator has switched loading off for good
 * ({@code kernel.modules_disabled}).
 */
public final class LoaderPolicy {
  private static final int LONGEST_NAME = 64;

  private final GuestMemory memory;
  private final SymbolTable symbols;
  private final BtfTypes types;

  LoaderPolicy(GuestMemory memory, SymbolTable symbols, BtfTypes types) {
    this.memory = memory;
    this.symbols = symbols;
    this.types = types;
  }

  /**
   * What stands against an unsigned module right now, for {@link
   * org.lucos.patcher.refusal.GuestRefusal.ModulesForbidden}; empty if nothing does.
   */
  public Optional<String> objection() {
    if (symbols.find("modules_disabled").map(this::isSet).orElse(false)) {
      return Optional.of("loading is switched off (kernel.modules_disabled)");
    }
    if (symbols.find("is_module_sig_enforced").isPresent()) {
      Optional<GuestVirtualAddress> enforced = signatureEnforced();
      if (enforced.isEmpty()) {
        return Optional.of("cannot be told (no parameter module.sig_enforce)");
      }
      if (memory.u8(enforced.get()) != 0) {
        return Optional.of("signatures are enforced (module.sig_enforce)");
      }
    }
    return lockdown();
  }

  /**
   * The flag behind {@code module.sig_enforce}. kexec has a variable of the same name, so it is the
   * module parameter that says which one it is.
   */
  private Optional<GuestVirtualAddress> signatureEnforced() {
    StructLayout parameter = types.struct("kernel_param");
    List<GuestVirtualAddress> flags =
        symbols.all("sig_enforce").stream().map(KernelSymbol::address).toList();
    for (KernelSymbol symbol : symbols.all("__param_sig_enforce")) {
      GuestVirtualAddress name = parameter.field("name").readPointer(memory, symbol.address());
      GuestVirtualAddress flag = parameter.field("arg").readPointer(memory, symbol.address());
      if (memory.cString(name, LONGEST_NAME).equals("module.sig_enforce") && flags.contains(flag)) {
        return Optional.of(flag);
      }
    }
    return Optional.empty();
  }

  private Optional<String> lockdown() {
    Optional<KernelSymbol> level = symbols.find("kernel_locked_down");
    if (level.isEmpty()) {
      return Optional.empty();
    }
    long now = memory.u32(level.get().address());
    return now >= types.enumerator("LOCKDOWN_MODULE_SIGNATURE")
        ? Optional.of("the kernel is locked down (see /sys/kernel/security/lockdown)")
        : Optional.empty();
  }

  private boolean isSet(KernelSymbol number) {
    return memory.u32(number.address()) != 0;
  }
}
