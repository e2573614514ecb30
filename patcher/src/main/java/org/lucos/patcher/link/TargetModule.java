package org.lucos.patcher.link;

import org.lucos.bridge.addr.AddressRange;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.patcher.kernel.LoadedModule;
import org.lucos.patcher.kernel.LoadedModule.Kind;
import org.lucos.patcher.refusal.FitRefusal;
import org.lucos.patcher.refusal.RefusedException;

/**
 * A module whose code a patch changes, as it was loaded when the patch was linked.
 *
 * @param name as the kernel lists it
 * @param struct where its {@code struct module} is
 * @param text its code, without that of its initialisation
 */
public record TargetModule(String name, GuestVirtualAddress struct, AddressRange text) {

  /** The module as it is loaded now. */
  public static TargetModule of(LoadedModule module) {
    AddressRange text =
        module
            .part(Kind.TEXT)
            .orElseThrow(
                () ->
                    new RefusedException(
                        new FitRefusal.SymbolNotResolved(module.name(), "it has no code")));
    return new TargetModule(module.name(), module.struct(), text);
  }

  /** Whether this is the module that was linked against: same name, same place. */
  public boolean isStill(LoadedModule module) {
    return name.equals(module.name())
        && struct.equals(module.struct())
        && module.part(Kind.TEXT).filter(text::equals).isPresent();
  }
}
