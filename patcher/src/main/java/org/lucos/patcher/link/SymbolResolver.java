package org.lucos.patcher.link;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.Function;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.patcher.build.PatchVariant.SymbolReference;
import org.lucos.patcher.kernel.KernelSymbol;
import org.lucos.patcher.refusal.FitRefusal;
import org.lucos.patcher.refusal.RefusedException;

/**
 * Addresses of what a patch refers to. Never guesses: a name that the kernel has several times is
 * told apart by where the original object was found, and every address has to agree with all that
 * is known about the symbol.
 */
final class SymbolResolver {
  private final Function<Optional<String>, CodeHome> homes;
  private final Map<String, MatchedObject> originals;

  /**
   * @param homes the code of a module, or of vmlinux
   * @param originals objects of the patched C files as they were found running
   */
  SymbolResolver(Function<Optional<String>, CodeHome> homes, Map<String, MatchedObject> originals) {
    this.homes = homes;
    this.originals = originals;
  }

  /**
   * The address of a reference.
   *
   * @throws RefusedException {@code SymbolNotResolved} if there is none, or more than one
   */
  GuestVirtualAddress resolve(SymbolReference reference) {
    if (reference.object().isPresent()) {
      return inOriginal(reference, reference.object().get());
    }
    if (reference.local()) {
      throw refuse(reference, "it is local to a C file that is not named");
    }
    return global(reference);
  }

  private GuestVirtualAddress inOriginal(SymbolReference reference, String object) {
    MatchedObject original = originals.get(object);
    if (original == null) {
      throw refuse(reference, "the bundle has no original of " + object);
    }
    String name = reference.originalSymbol().orElse(reference.kernelName());
    GuestVirtualAddress address =
        original
            .address(name)
            .orElseThrow(
                () ->
                    refuse(
                        reference, "running code does not tell where " + object + " has " + name));
    List<KernelSymbol> named = original.home().symbols().own(reference.kernelName());
    if (!named.isEmpty() && named.stream().noneMatch(each -> each.address().equals(address))) {
      throw refuse(
          reference, object + " has it at " + address + ", where no symbol of that name is");
    }
    return address;
  }

  private GuestVirtualAddress global(SymbolReference reference) {
    CodeHome home = homes.apply(reference.module());
    List<KernelSymbol> global = home.symbols().global(reference.kernelName());
    if (global.size() > 1) {
      throw refuse(reference, global.size() + " global symbols have this name");
    }
    Optional<GuestVirtualAddress> address = global.stream().map(KernelSymbol::address).findFirst();
    for (MatchedObject original : originals.values()) {
      OptionalLong seen = original.global(reference.kernelName());
      if (seen.isPresent() && original.home().module().equals(home.module())) {
        GuestVirtualAddress there = new GuestVirtualAddress(seen.getAsLong());
        if (address.isPresent() && !address.get().equals(there)) {
          throw refuse(
              reference,
              "the kernel has it at "
                  + address.get()
                  + ", running code of "
                  + original.object().name()
                  + " uses it at "
                  + there);
        }
        address = Optional.of(there);
      }
    }
    return address.orElseThrow(() -> refuse(reference, "no such symbol"));
  }

  private static RefusedException refuse(SymbolReference reference, String detail) {
    return new RefusedException(new FitRefusal.SymbolNotResolved(reference.kernelName(), detail));
  }
}
