package org.lucos.patcher.build;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.lucos.patcher.build.PatchAssembler.TargetKernel;
import org.lucos.patcher.build.PatchVariant.OriginalEntry;
import org.lucos.patcher.build.PatchVariant.SymbolReference;
import org.lucos.patcher.build.PatchVariant.TargetFunction;
import org.lucos.patcher.build.diff.Extraction;
import org.lucos.patcher.build.diff.KlpSource;
import org.lucos.patcher.build.diff.PatchImage;
import org.lucos.patcher.bytes.Bytes;
import org.lucos.patcher.elf.ElfCopy;
import org.lucos.patcher.elf.ElfObject;
import org.lucos.patcher.elf.ElfSymbol;
import org.lucos.patcher.elf.SymbolBinding;
import org.lucos.patcher.elf.SymbolType;

/** Makes a {@link PatchObject} of a hand-written livepatch. */
final class KlpAssembler {
  private final KlpSource source;
  private final Map<String, Original> originals;

  /**
   * The C file a replaced function comes from.
   *
   * @param object such as {@code fs/proc/cmdline.o}
   * @param module the module it is part of; absent for vmlinux
   * @param plain compiled as the kernel was
   */
  record Original(String object, Optional<String> module, ElfObject plain) {
    /** The symbol of a name that is defined there, if there is exactly one. */
    Optional<ElfSymbol> definition(String name) {
      List<ElfSymbol> found = plain.symbols(name).stream().filter(ElfSymbol::isInSection).toList();
      return found.size() == 1 ? Optional.of(found.get(0)) : Optional.empty();
    }
  }

  /**
   * @param originals by the name of the function that was found there
   */
  KlpAssembler(KlpSource source, Map<String, Original> originals) {
    this.source = source;
    this.originals = Map.copyOf(originals);
  }

  PatchObject assemble(PatchDescription description, TargetKernel kernel, Extraction extraction) {
    Map<String, String> modules = new LinkedHashMap<>();
    source.module().ifPresent(module -> modules.put(extraction.object(), module));
    PatchImage image = PatchImage.of(List.of(extraction), modules);
    List<ReferenceObject> objects = new ArrayList<>();
    List<OriginalEntry> entries = new ArrayList<>();
    for (Original original : distinct()) {
      Bytes stripped = Bytes.of(ElfCopy.withoutDebug(original.plain()));
      entries.add(
          new OriginalEntry(
              original.object(),
              original.module(),
              PatchAssembler.digest("original/" + objects.size() + ".o", stripped)));
      objects.add(new ReferenceObject(original.object(), original.module(), stripped));
    }
    PatchVariant variant =
        new PatchVariant(
            kernel.release(),
            kernel.buildId(),
            kernel.compiler(),
            PatchAssembler.moduleName(description.name(), kernel.release(), image.elf()),
            image.functions().stream().map(this::target).toList(),
            image.newFunctions(),
            image.references().stream().map(this::placed).toList(),
            image.escapes(),
            PatchAssembler.digest("image.o", image.elf()),
            entries,
            image.callbacks().stream().map(callback -> placed(callback, entries)).toList());
    return new PatchObject(description, variant, image.elf(), objects);
  }

  private List<Original> distinct() {
    Map<String, Original> byObject = new TreeMap<>();
    originals.values().forEach(original -> byObject.put(original.object(), original));
    return List.copyOf(byObject.values());
  }

  private TargetFunction target(PatchImage.ReplacedFunction function) {
    int sympos =
        source.functions().stream()
            .filter(f -> f.oldName().equals(function.name()))
            .mapToInt(KlpSource.Function::sympos)
            .findFirst()
            .orElse(0);
    Optional<Integer> position = sympos == 0 ? Optional.empty() : Optional.of(sympos);
    Original original = originals.get(function.name());
    if (original == null) {
      return TargetFunction.unmatched(
          function.name(), function.object(), position, function.symbol(), function.newParts());
    }
    boolean local = original.definition(function.name()).filter(ElfSymbol::isLocal).isPresent();
    String cold = function.name() + ".cold";
    TargetFunction target =
        PatchAssembler.target(
            original.plain(),
            new PatchImage.ReplacedFunction(
                function.name(),
                original.object(),
                local,
                function.symbol(),
                original.definition(cold).isPresent() ? List.of(cold) : List.of(),
                function.newParts()));
    return target.at(position);
  }

  /** A symbol that only one of the patched C files knows is that file's. */
  private SymbolReference placed(SymbolReference reference) {
    for (Original original : distinct()) {
      Optional<ElfSymbol> symbol = original.definition(reference.kernelName());
      if (reference.object().isEmpty()
          && symbol.isPresent()
          && symbol.get().binding() == SymbolBinding.LOCAL) {
        return new SymbolReference(
            reference.symbol(),
            reference.kernelName(),
            Optional.of(original.object()),
            symbol.get().type() == SymbolType.FUNC
                ? PatchVariant.Kind.FUNCTION
                : PatchVariant.Kind.OBJECT,
            true,
            Optional.of(reference.kernelName()),
            reference.module());
      }
    }
    return reference;
  }

  /** A callback goes with the object whose functions are replaced. */
  private static PatchVariant.Callback placed(
      PatchVariant.Callback callback, List<OriginalEntry> originals) {
    return originals.isEmpty()
        ? callback
        : new PatchVariant.Callback(
            callback.kind(),
            callback.function(),
            originals.get(0).object(),
            callback.run(),
            callback.slot());
  }
}
