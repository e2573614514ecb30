package org.lucos.patcher.app;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.lucos.patcher.build.Bundle;
import org.lucos.patcher.build.PatchManifest;
import org.lucos.patcher.build.PatchObject;
import org.lucos.patcher.build.PatchProbe;
import org.lucos.patcher.build.PatchVariant;
import org.lucos.patcher.build.PatchVariant.Kind;
import org.lucos.patcher.build.PatchVariant.SymbolReference;
import org.lucos.patcher.build.diff.SpecialSections;
import org.lucos.patcher.bytes.Bytes;
import org.lucos.patcher.elf.ElfObject;
import org.lucos.patcher.elf.ElfSection;
import org.lucos.patcher.elf.ElfSymbol;
import org.lucos.patcher.elf.SymbolType;
import org.lucos.patcher.trust.BundleSignature;
import org.lucos.patcher.trust.TrustedKeys;
import org.lucos.patcher.trust.Verdict;

/** Says what is in a bundle, whoever it comes from. Needs no guest. */
public final class InspectBundle {
  private final Settings settings;

  /** Works with these settings. */
  public InspectBundle(Settings settings) {
    this.settings = settings;
  }

  /**
   * A bundle.
   *
   * @param requires names of patches that must be applied as long as this one is
   * @param immediateSafe its author's word that old and new code may run side by side for a while
   * @param signature whether somebody trusted has signed it
   * @param keyIds of all its signatures, verified or not
   * @param manifestSha256 digest of what is signed
   * @param skipped kernels it was to be built for and could not
   * @param probes what 'lucos apply' runs in the guest
   */
  public record Outcome(
      String bundle,
      long size,
      String patch,
      String description,
      List<String> fixes,
      List<String> requires,
      boolean immediateSafe,
      String created,
      String tool,
      Report.Signature signature,
      List<String> keyIds,
      String manifestSha256,
      List<Variant> variants,
      List<Report.Skipped> skipped,
      List<Probe> probes) {
    /** Copies the lists. */
    public Outcome {
      fixes = List.copyOf(fixes);
      requires = List.copyOf(requires);
      keyIds = List.copyOf(keyIds);
      variants = List.copyOf(variants);
      skipped = List.copyOf(skipped);
      probes = List.copyOf(probes);
    }
  }

  /**
   * A probe.
   *
   * @param words what is looked at: address and port, a path, a command line or a script
   * @param program digest of the program the bundle brings along; empty if it does not
   * @param programBytes its size; 0 if there is none
   * @param expects how it must end, for people
   */
  public record Probe(
      String name,
      String when,
      String check,
      List<String> words,
      String program,
      int programBytes,
      int limitMilliseconds,
      String expects,
      boolean required,
      String failure) {
    /** Copies the list. */
    public Probe {
      words = List.copyOf(words);
    }

    private static Probe of(PatchProbe probe, Bundle bundle) {
      return new Probe(
          probe.name(),
          probe.when().name().toLowerCase(Locale.ROOT),
          probe.check().name().toLowerCase(Locale.ROOT),
          probe.words(),
          probe.program(),
          bundle.programs().getOrDefault(probe.program(), Bytes.EMPTY).size(),
          probe.limitMilliseconds(),
          (PatchProbe.endsWithCode(probe.check()) ? "exit code " + probe.exitCode() : "success")
              + (probe.output().isEmpty() ? "" : ", prints '" + probe.output() + "'")
              + (probe.slowdown() == 0
                  ? ""
                  : ", at most " + probe.slowdown() + " times as long as before"),
          probe.required(),
          probe.failure());
    }
  }

  /**
   * What is in it for one kernel.
   *
   * @param diff name of the diff it was made of
   * @param diffSha256 its digest
   * @param affected names of replaced functions whose own source did not change
   * @param kernelSymbols what it calls and uses of the kernel, without data
   * @param kernelData variables of the kernel it reads or writes
   * @param newData variables it brings along
   * @param specialSections entries of each table about places in its code
   * @param escapes what may keep its module in memory after a revert
   * @param imageBytes size of the object that is loaded
   * @param originalBytes size of what the running kernel is compared with
   */
  public record Variant(
      String release,
      String buildId,
      String compiler,
      String diff,
      String diffSha256,
      String module,
      List<Function> functions,
      List<String> affected,
      List<NewFunction> newFunctions,
      List<String> callbacks,
      List<String> kernelSymbols,
      List<String> kernelData,
      List<Data> newData,
      Map<String, Integer> specialSections,
      List<String> escapes,
      List<String> warnings,
      long imageBytes,
      long originalBytes) {
    /** Copies the collections. */
    public Variant {
      functions = List.copyOf(functions);
      affected = List.copyOf(affected);
      newFunctions = List.copyOf(newFunctions);
      callbacks = List.copyOf(callbacks);
      kernelSymbols = List.copyOf(kernelSymbols);
      kernelData = List.copyOf(kernelData);
      newData = List.copyOf(newData);
      escapes = List.copyOf(escapes);
      warnings = List.copyOf(warnings);
    }
  }

  /**
   * A replaced function; sizes in bytes.
   *
   * @param module that has it; empty for vmlinux
   */
  public record Function(String name, String object, String module, long oldSize, long newSize) {}

  /** An added function; size in bytes. */
  public record NewFunction(String name, String object, long size) {}

  /** A variable the patch brings along; size in bytes. */
  public record Data(String name, String section, long size) {}

  /** Reads the bundle; a signature that is not trusted is reported, not refused. */
  public Outcome run(Path file) {
    Bundle bundle = Bundle.read(file);
    TrustedKeys keys = TrustedKeys.in(settings.keys());
    Verdict verdict = keys.judge(bundle.manifestBytes(), bundle.signatures());
    PatchManifest manifest = bundle.manifest();
    List<Variant> variants = new ArrayList<>();
    for (PatchObject object : bundle.objects()) {
      object.requireObjectFiles(file.toString());
      variants.add(variant(object));
    }
    return new Outcome(
        file.toString(),
        bundle.toBytes().length,
        manifest.description().name(),
        manifest.description().description(),
        manifest.description().fixes(),
        manifest.description().requires(),
        manifest.description().immediateSafe(),
        manifest.description().created().toString(),
        manifest.description().toolVersion(),
        Report.Signature.of(verdict),
        bundle.signatures().stream().map(BundleSignature::keyId).toList(),
        bundle.manifestBytes().sha256(),
        variants,
        Report.Skipped.of(manifest.skipped()),
        manifest.description().probes().stream().map(each -> Probe.of(each, bundle)).toList());
  }

  private static Variant variant(PatchObject object) {
    PatchVariant variant = object.variant();
    ElfObject image = ElfObject.parse("image", object.image());
    List<SymbolReference> references =
        variant.references().stream()
            .sorted(Comparator.comparing(SymbolReference::kernelName))
            .toList();
    return new Variant(
        variant.release(),
        variant.buildId().orElse(""),
        variant.compiler(),
        variant.origin().diff(),
        variant.origin().diffSha256(),
        variant.moduleName(),
        variant.functions().stream().map(f -> function(variant, f, image)).toList(),
        variant.origin().affected(),
        variant.newFunctions().stream()
            .map(f -> new NewFunction(f.name(), f.object(), f.size()))
            .toList(),
        variant.callbacks().stream().map(c -> c.kind().label() + " " + c.function()).toList(),
        references.stream().filter(r -> !isData(r)).map(SymbolReference::kernelName).toList(),
        references.stream().filter(InspectBundle::isData).map(InspectBundle::data).toList(),
        newData(image),
        SpecialSections.counts(image),
        variant.escapes().stream().map(e -> e.symbol() + ": " + e.detail()).toList(),
        warnings(variant),
        object.image().size(),
        object.originals().stream().mapToLong(o -> o.elf().size()).sum());
  }

  private static Function function(
      PatchVariant variant, PatchVariant.TargetFunction target, ElfObject image) {
    long size = sizeOf(image, target.replacement());
    for (String part : target.replacementParts()) {
      size += sizeOf(image, part);
    }
    return new Function(
        target.name(),
        target.object(),
        variant.moduleOf(target.object()).orElse(""),
        target.size() + target.parts().stream().mapToLong(PatchVariant.Part::size).sum(),
        size);
  }

  private static long sizeOf(ElfObject image, String symbol) {
    return image.symbols(symbol).stream().mapToLong(ElfSymbol::size).max().orElse(0);
  }

  private static boolean isData(SymbolReference reference) {
    return reference.kind() == Kind.OBJECT || reference.kind() == Kind.PER_CPU;
  }

  private static String data(SymbolReference reference) {
    return reference.kernelName()
        + (reference.kind() == Kind.PER_CPU ? " (per CPU)" : "")
        + reference.object().map(object -> " of " + object).orElse("");
  }

  private static List<Data> newData(ElfObject image) {
    List<Data> data = new ArrayList<>();
    for (ElfSymbol symbol : image.symbols()) {
      if (symbol.type() == SymbolType.OBJECT && symbol.isInSection()) {
        ElfSection section = image.section(symbol.section());
        data.add(new Data(symbol.name(), section.name(), symbol.size()));
      }
    }
    return data;
  }

  private static List<String> warnings(PatchVariant variant) {
    List<String> warnings = new ArrayList<>();
    Optional<String> kernels = variant.origin().otherCompiler();
    kernels.ifPresent(
        compiler ->
            warnings.add(
                "built with another compiler than the kernel's ("
                    + compiler
                    + "): it is taken only where all of the running code proves equal"));
    if (variant.buildId().isEmpty()) {
      warnings.add("for any kernel that calls itself " + variant.release());
    }
    variant.origin().leftOut().forEach(what -> warnings.add("without the diff's " + what));
    if (!variant.escapes().isEmpty()) {
      warnings.add("its module stays in memory after a revert");
    }
    return warnings;
  }
}
