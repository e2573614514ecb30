package org.lucos.patcher.link;

import java.util.List;
import java.util.Map;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.patcher.build.PatchDescription;
import org.lucos.patcher.build.PatchVariant;
import org.lucos.patcher.bytes.Bytes;
import org.lucos.patcher.elf.ElfObject;
import org.lucos.patcher.kernel.KernelIdentity;

/**
 * A patch that fits the running kernel: every function it replaces was found there byte for byte,
 * and every symbol it needs has an address.
 *
 * @param kernel the kernel it was linked against
 * @param description of the patch
 * @param variant what is in it
 * @param image its code, not yet a module
 * @param modules the modules whose code it changes, as they are loaded now
 * @param functions the functions it replaces, in the order of the variant
 * @param symbols addresses of the image's undefined symbols
 * @param constants what the kernel puts into immediate operands at boot, by the table of the image
 *     that lists them
 */
public record LinkedPatch(
    KernelIdentity kernel,
    PatchDescription description,
    PatchVariant variant,
    ElfObject image,
    List<TargetModule> modules,
    List<LinkedFunction> functions,
    Map<String, GuestVirtualAddress> symbols,
    Map<String, Bytes> constants) {

  /** Copies the collections. */
  public LinkedPatch {
    modules = List.copyOf(modules);
    functions = List.copyOf(functions);
    symbols = Map.copyOf(symbols);
    constants = Map.copyOf(constants);
  }
}
