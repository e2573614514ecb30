package org.lucos.patcher.link;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import org.lucos.bridge.addr.AddressRange;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.bridge.memory.GuestMemory;
import org.lucos.patcher.build.PatchVariant.TargetFunction;
import org.lucos.patcher.elf.ElfObject;
import org.lucos.patcher.elf.ElfSection;
import org.lucos.patcher.elf.ElfSymbol;
import org.lucos.patcher.kernel.KernelSymbol;
import org.lucos.patcher.kernel.LoadedModule;
import org.lucos.patcher.kernel.LoadedModule.Kind;
import org.lucos.patcher.kernel.RunningKernel;
import org.lucos.patcher.kernel.SymbolTable;
import org.lucos.patcher.refusal.FitRefusal;
import org.lucos.patcher.refusal.RefusedException;

/**
 * A patch module as the guest's loader has put it into memory, read back and compared with the
 * image it was given: all its code, with every relocation, except where the kernel rewrites it.
 *
 * @param module its name
 * @param replacements the code of each replacement function, by its symbol in the image; its cold
 *     parts follow it
 */
public record LoadedImage(String module, Map<String, List<AddressRange>> replacements) {

  /** Copies the map. */
  public LoadedImage {
    replacements = Map.copyOf(replacements);
  }

  /** Where a replacement function begins. */
  public GuestVirtualAddress address(String replacement) {
    List<AddressRange> code = replacements.get(replacement);
    if (code == null) {
      throw new RefusedException(
          new FitRefusal.SymbolNotResolved(replacement, "not a replacement in module " + module));
    }
    return code.get(0).start();
  }

  /** Where each replacement function begins, by its symbol in the image. */
  public Map<String, GuestVirtualAddress> addresses() {
    Map<String, GuestVirtualAddress> starts = new LinkedHashMap<>();
    replacements.forEach((name, code) -> starts.put(name, code.get(0).start()));
    return starts;
  }

  /**
   * Reads a loaded patch module back.
   *
   * @param image what the loader was given, made by {@link ModuleImage}
   * @throws RefusedException {@code TextMismatch} if the code in the guest is not what it should be
   */
  public static LoadedImage check(
      LinkedPatch patch, byte[] image, LoadedModule module, RunningKernel kernel) {
    List<AddressRange> text =
        module.parts().stream()
            .filter(part -> part.kind() == Kind.TEXT)
            .map(LoadedModule.Part::range)
            .toList();
    return check(
        patch,
        image,
        module.name(),
        module.symbols(),
        text,
        kernel.memory(),
        RunningCode.of(kernel).callThunk());
  }

  static LoadedImage check(
      LinkedPatch patch,
      byte[] image,
      String module,
      List<KernelSymbol> symbols,
      List<AddressRange> text,
      GuestMemory memory,
      long callThunk) {
    String name = "module " + module;
    ObjectImage object = new ObjectImage(name, ElfObject.parse(name, image));
    CodeHome home =
        new CodeHome(Optional.empty(), SymbolScope.ofVmlinux(SymbolTable.of(symbols)), text);
    MatchedObject matched = new RunPreMatch(object, home, memory).match();
    TextComparison comparison = new TextComparison(matched, memory, callThunk);
    for (ElfSection section : object.sections()) {
      if (section.isCode()) {
        for (ElfSymbol function : object.functions(section.index()).values()) {
          Optional<TextComparison.Difference> difference = comparison.compare(function, List.of());
          if (difference.isPresent()) {
            throw new RefusedException(
                new FitRefusal.TextMismatch(
                    name + ":" + difference.get().function(),
                    difference.get().offset(),
                    difference.get().detail()));
          }
        }
      }
    }
    Map<String, List<AddressRange>> replacements = new LinkedHashMap<>();
    for (TargetFunction target : patch.variant().functions()) {
      List<AddressRange> code = new ArrayList<>();
      code.add(range(matched, target.replacement()));
      target.replacementParts().forEach(part -> code.add(range(matched, part)));
      replacements.put(target.replacement(), List.copyOf(code));
    }
    return new LoadedImage(module, replacements);
  }

  private static AddressRange range(MatchedObject matched, String symbol) {
    ElfSymbol definition =
        matched
            .object()
            .definition(symbol)
            .orElseThrow(
                () ->
                    new RefusedException(
                        new FitRefusal.SymbolNotResolved(symbol, "not in the patch's image")));
    OptionalLong address = matched.address(definition);
    if (address.isEmpty()) {
      throw new RefusedException(
          new FitRefusal.SymbolNotResolved(symbol, "not found in " + matched.object().name()));
    }
    return new AddressRange(new GuestVirtualAddress(address.getAsLong()), definition.size());
  }
}
