package org.lucos.patcher.build;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.lucos.patcher.build.KlpAssembler.Original;
import org.lucos.patcher.build.PatchAssembler.TargetKernel;
import org.lucos.patcher.build.diff.KlpLayout;
import org.lucos.patcher.build.diff.KlpObject;
import org.lucos.patcher.build.diff.KlpSource;
import org.lucos.patcher.elf.ElfObject;
import org.lucos.patcher.elf.ElfSymbol;
import org.lucos.patcher.elf.SymbolType;
import org.lucos.patcher.refusal.InputRefusal;
import org.lucos.patcher.refusal.RefusedException;

/**
 * From a hand-written livepatch, in the style of the kernel's {@code samples/livepatch}, to a patch
 * object: compiles it as a module, reads which functions it replaces, and compiles the C files that
 * have those, so that they can be matched with the running kernel.
 */
final class LivepatchBuilder {
  private static final int MOST_CANDIDATES = 8;
  private static final String LAYOUT = "lucos_klp_layout";

  private final KernelTree tree;
  private final HostCommands commands;
  private final Path directory;
  private final BuildListener listener;

  /**
   * @param directory for everything that is made; holds {@code lucos.h}
   */
  LivepatchBuilder(KernelTree tree, HostCommands commands, Path directory, BuildListener listener) {
    this.tree = tree;
    this.commands = commands;
    this.directory = directory;
    this.listener = listener;
  }

  PatchObject build(LivepatchRequest request, PatchDescription description, TargetKernel kernel) {
    String unit = request.unit();
    FileTrees.writeText(directory.resolve(LAYOUT + ".c"), KlpLayout.PROBE);
    FileTrees.writeText(directory.resolve(unit + ".c"), including(request, ""));
    listener.step("compiling " + request.file().getFileName() + " as a module");
    Map<String, byte[]> compiled =
        tree.make().module(directory, request.directory(), List.of(LAYOUT, unit));
    KlpLayout layout = KlpLayout.of(object(LAYOUT, compiled));
    KlpObject object = new KlpObject(unit + ".o", object(unit, compiled));
    KlpSource source = object.declared(layout);
    source.notes().forEach(listener::note);
    if (!source.callbacks().isEmpty()) {
      String runners = unit + "_lucos";
      FileTrees.writeText(directory.resolve(runners + ".c"), including(request, runners(source)));
      listener.step("compiling it with its callbacks");
      compiled = tree.make().module(directory, request.directory(), List.of(runners));
      object = new KlpObject(unit + ".o", object(runners, compiled));
    }
    Map<String, Original> originals = originals(source);
    return new KlpAssembler(source, originals)
        .assemble(description, kernel, object.extract(source));
  }

  private static String including(LivepatchRequest request, String more) {
    return "#include \"" + request.file().toAbsolutePath() + "\"\n" + more;
  }

  private static String runners(KlpSource source) {
    StringBuilder text = new StringBuilder("#include \"lucos.h\"\n");
    String object = source.module().map(name -> "\"" + name + "\"").orElse("NULL");
    for (KlpSource.Callback callback : source.callbacks()) {
      text.append("LUCOS_CALLBACK_(")
          .append(callback.kind().label())
          .append(", ")
          .append(callback.kind().number())
          .append(", ")
          .append(object)
          .append(", ")
          .append(callback.function())
          .append(
              callback.kind() == PatchVariant.CallbackKind.PRE_PATCH
                  ? ", LUCOS_ANSWER_)\n"
                  : ", LUCOS_SILENT_)\n");
    }
    return text.toString();
  }

  private static ElfObject object(String unit, Map<String, byte[]> compiled) {
    byte[] bytes = compiled.get(unit);
    if (bytes == null) {
      throw new IllegalStateException("not compiled: " + unit);
    }
    return ElfObject.parse(unit + ".o", bytes);
  }

  /** The C file of each function that is replaced, where exactly one can be the one. */
  private Map<String, Original> originals(KlpSource source) {
    List<String> names = source.functions().stream().map(KlpSource.Function::oldName).toList();
    listener.step("looking for the source of " + String.join(", ", names));
    FunctionFinder finder = new FunctionFinder(tree, commands);
    Map<String, Set<String>> candidates = finder.candidates(names);
    Map<String, Original> originals = new LinkedHashMap<>();
    for (String name : names) {
      List<String> files =
          candidates.getOrDefault(name, Set.of()).stream()
              .filter(file -> finder.isPartOf(file, source.module()))
              .limit(MOST_CANDIDATES + 1L)
              .toList();
      List<Original> defining =
          files.size() > MOST_CANDIDATES
              ? List.of()
              : files.stream().flatMap(file -> defining(file, name).stream()).toList();
      if (defining.size() == 1) {
        originals.put(name, defining.get(0));
      } else if (source.module().isPresent()) {
        throw new RefusedException(
            new InputRefusal.PatchDoesNotApply(
                name,
                defining.size()
                    + " C files of module "
                    + source.module().get()
                    + " define a function of that name"));
      } else {
        listener.note(
            name + " will not be run-pre matched: " + defining.size() + " C files define it");
      }
    }
    return originals;
  }

  private Optional<Original> defining(String file, String function) {
    ElfObject plain = ElfObject.parse(file, tree.compile(file, Flavour.PLAIN, listener));
    Original original =
        new Original(file.substring(0, file.length() - 2) + ".o", tree.module(file), plain);
    return original
        .definition(function)
        .filter(symbol -> symbol.type() == SymbolType.FUNC && symbol.size() > 0)
        .map((ElfSymbol symbol) -> original);
  }
}
