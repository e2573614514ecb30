package org.lucos.patcher.build;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.lucos.patcher.build.PatchVariant.EntryDigest;
import org.lucos.patcher.build.PatchVariant.OriginalEntry;
import org.lucos.patcher.build.PatchVariant.Part;
import org.lucos.patcher.build.PatchVariant.SymbolReference;
import org.lucos.patcher.build.PatchVariant.TargetFunction;
import org.lucos.patcher.build.diff.Extraction;
import org.lucos.patcher.build.diff.ObjectDiff;
import org.lucos.patcher.build.diff.PatchImage;
import org.lucos.patcher.bytes.Bytes;
import org.lucos.patcher.elf.ElfCopy;
import org.lucos.patcher.elf.ElfObject;
import org.lucos.patcher.elf.ElfRelocation;
import org.lucos.patcher.elf.ElfSection;
import org.lucos.patcher.elf.ElfSymbol;
import org.lucos.patcher.elf.SymbolType;
import org.lucos.patcher.refusal.ChangeRefusal;
import org.lucos.patcher.refusal.RefusedException;

/** Makes a {@link PatchObject} of the compiled files of a patch. */
public final class PatchAssembler {
  private static final int LONGEST_MODULE_NAME = 55;
  private static final int HASH_DIGITS = 8;

  /**
   * One C file of a patch.
   *
   * @param object its object, such as {@code net/ipv4/tcp_input.o}
   * @param module the module it is part of; absent for vmlinux
   * @param edited whether the diff changes it, rather than a header it includes
   * @param plain the original compiled as the kernel was
   * @param original the original compiled with a section for every function and variable
   * @param patched the same of the changed file
   */
  public record CompiledFile(
      String object,
      Optional<String> module,
      boolean edited,
      Bytes plain,
      Bytes original,
      Bytes patched) {

    Extraction compare() {
      return compare(object, edited, original, patched);
    }

    static Extraction compare(String object, boolean edited, Bytes original, Bytes patched) {
      ElfObject before = ElfObject.parse(object + " (original)", original);
      ElfObject after = ElfObject.parse(object + " (patched)", patched);
      return edited
          ? ObjectDiff.compare(object, before, after)
          : ObjectDiff.compareUser(object, before, after);
    }
  }

  /**
   * The kernel a patch is for.
   *
   * @param release as {@code uname -r} prints it
   * @param buildId lower-case hex, where known
   * @param compiler first line of {@code gcc --version}
   */
  public record TargetKernel(String release, Optional<String> buildId, String compiler) {}

  private PatchAssembler() {}

  /**
   * Compares every file and puts what changed together.
   *
   * @throws RefusedException with {@code NothingChanged} if no file's code differs, {@code
   *     UnsupportedChange} if one changes in a way that cannot be applied
   * @throws org.lucos.patcher.bytes.MalformedDataException if an object is damaged
   */
  public static PatchObject assemble(
      PatchDescription description, TargetKernel kernel, List<CompiledFile> files) {
    List<CompiledFile> sorted =
        files.stream().sorted(Comparator.comparing(CompiledFile::object)).toList();
    List<Extraction> extractions = new ArrayList<>();
    sorted.forEach(file -> extractions.add(file.compare()));
    Map<String, String> modules = new HashMap<>();
    sorted.forEach(file -> file.module().ifPresent(m -> modules.put(file.object(), m)));
    PatchImage image = PatchImage.of(extractions, modules);
    checkReplaces(image);
    Map<String, ElfObject> plain = new HashMap<>();
    List<ReferenceObject> originals = new ArrayList<>();
    List<OriginalEntry> originalEntries = new ArrayList<>();
    for (int i = 0; i < sorted.size(); i++) {
      CompiledFile file = sorted.get(i);
      if (extractions.get(i).isEmpty()) {
        continue;
      }
      ElfObject object = ElfObject.parse(file.object(), file.plain());
      plain.put(file.object(), object);
      Bytes stripped = Bytes.of(ElfCopy.withoutDebug(object));
      originalEntries.add(
          new OriginalEntry(
              file.object(),
              file.module(),
              digest("original/" + originals.size() + ".o", stripped)));
      originals.add(new ReferenceObject(file.object(), file.module(), stripped));
    }
    for (SymbolReference reference : image.references()) {
      if (reference.object().isPresent()) {
        find(plainOf(plain, reference.object().get()), reference.kernelName());
      }
    }
    PatchVariant variant =
        new PatchVariant(
            kernel.release(),
            kernel.buildId(),
            kernel.compiler(),
            moduleName(description.name(), kernel.release(), image.elf()),
            image.functions().stream().map(f -> target(plainOf(plain, f.object()), f)).toList(),
            image.newFunctions(),
            image.references(),
            image.escapes(),
            digest("image.o", image.elf()),
            originalEntries,
            image.callbacks(),
            PatchVariant.Origin.leavingOut(leftOut(extractions)));
    checkCallbacks(variant);
    return new PatchObject(description, variant, image.elf(), originals);
  }

  private static List<String> leftOut(List<Extraction> extractions) {
    List<String> all = new ArrayList<>();
    for (Extraction extraction : extractions) {
      extraction.leftOut().forEach(what -> all.add(what + " (" + extraction.object() + ")"));
    }
    return all;
  }

  /** What replaces nothing has no place in the kernel by which it could be told to be applied. */
  private static void checkReplaces(PatchImage image) {
    if (image.functions().isEmpty()) {
      List<String> news = image.newFunctions().stream().map(f -> f.name()).toList();
      throw new RefusedException(
          new ChangeRefusal.NothingChanged(
              "it replaces no function; new ones, which nothing calls yet: "
                  + String.join(", ", news)));
    }
  }

  /** Livepatch has one callback of a kind for vmlinux and one for each module. */
  private static void checkCallbacks(PatchVariant variant) {
    Map<String, PatchVariant.Callback> seen = new HashMap<>();
    for (PatchVariant.Callback callback : variant.callbacks()) {
      String place = variant.moduleOf(callback.object()).orElse("vmlinux");
      String kind = callback.kind().label();
      PatchVariant.Callback other = seen.putIfAbsent(place + " " + kind, callback);
      if (other != null) {
        throw new RefusedException(
            new ChangeRefusal.UnsupportedChange(
                "callback '" + callback.function() + "' of " + callback.object(),
                place + " has a " + kind + " callback already, '" + other.function() + "'"));
      }
    }
  }

  private static ElfObject plainOf(Map<String, ElfObject> plain, String object) {
    ElfObject found = plain.get(object);
    if (found == null) {
      throw new IllegalStateException("refers to an unchanged file: " + object);
    }
    return found;
  }

  static EntryDigest digest(String path, Bytes content) {
    return new EntryDigest(path, content.size(), content.sha256());
  }

  /** {@code lucos_}, as much of the patch's name as fits, and a hash of what it is. */
  static String moduleName(String name, String release, Bytes image) {
    String hash =
        Bytes.of((release + " " + image.sha256()).getBytes(StandardCharsets.UTF_8))
            .sha256()
            .substring(0, HASH_DIGITS);
    String slug =
        name.toLowerCase(Locale.ROOT).replaceAll("[^a-z0-9]+", "_").replaceAll("^_|_$", "");
    String prefix = "lucos_" + slug;
    int room = LONGEST_MODULE_NAME - HASH_DIGITS - 1;
    return (prefix.length() > room ? prefix.substring(0, room) : prefix) + "_" + hash;
  }

  static TargetFunction target(ElfObject plain, PatchImage.ReplacedFunction function) {
    ElfSymbol symbol = find(plain, function.name());
    if (symbol.type() != SymbolType.FUNC || symbol.size() == 0) {
      throw differs(plain, function.name(), "is no function there");
    }
    return new TargetFunction(
        function.name(),
        function.object(),
        Optional.empty(),
        function.local(),
        symbol.size(),
        preImage(plain, symbol).sha256(),
        function.symbol(),
        function.oldParts().stream().map(name -> new Part(name, find(plain, name).size())).toList(),
        function.newParts());
  }

  private static Bytes preImage(ElfObject plain, ElfSymbol symbol) {
    ElfSection section = plain.section(symbol.section());
    long end = symbol.value() + symbol.size();
    if (symbol.value() < 0 || end > section.bytes().size()) {
      throw differs(plain, symbol.name(), "lies outside of its section there");
    }
    byte[] bytes = section.bytes().slice((int) symbol.value(), (int) end).toArray();
    for (ElfRelocation relocation : plain.relocations(section)) {
      for (int i = 0; i < relocation.type().width(); i++) {
        long at = relocation.offset() + i - symbol.value();
        if (at >= 0 && at < bytes.length) {
          bytes[(int) at] = 0;
        }
      }
    }
    return Bytes.of(bytes);
  }

  private static ElfSymbol find(ElfObject plain, String name) {
    List<ElfSymbol> found = plain.symbols(name).stream().filter(ElfSymbol::isInSection).toList();
    if (found.size() != 1) {
      throw differs(
          plain,
          name,
          "the object compiled as the kernel was has " + found.size() + " symbols of that name");
    }
    return found.get(0);
  }

  private static RefusedException differs(ElfObject plain, String name, String detail) {
    return new RefusedException(
        new ChangeRefusal.UnsupportedChange("'" + name + "' of " + plain.source(), detail));
  }
}
