package org.lucos.patcher.build;

import com.google.common.collect.ImmutableSortedMap;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.lucos.patcher.build.PatchAssembler.CompiledFile;
import org.lucos.patcher.build.PatchAssembler.TargetKernel;
import org.lucos.patcher.refusal.ChangeRefusal;
import org.lucos.patcher.refusal.RefusedException;

/** The steps from a diff to a patch, each with a directory of its name that can be looked at. */
final class BuildSteps {
  private final BuildRequest request;
  private final SourceDiff diff;
  private final KernelTree tree;
  private final Path directory;
  private final HostCommands commands;
  private final PatchBuilder.Options options;
  private final BuildListener listener;

  BuildSteps(
      BuildRequest request,
      SourceDiff diff,
      KernelTree tree,
      Path directory,
      HostCommands commands,
      PatchBuilder.Options options,
      BuildListener listener) {
    this.request = request;
    this.diff = diff;
    this.tree = tree;
    this.directory = directory;
    this.commands = commands;
    this.options = options;
    this.listener = listener;
  }

  PatchObject run(String toolVersion) {
    PatchedSources sources = applied(step("1-sources"));
    List<CompiledFile> compiled = compiled(sources, step("2-objects"));
    PatchObject built = assembled(compiled, toolVersion);
    built = built.from(origin(sources.overlay(), built.variant()));
    Path result = step("3-patch");
    FileTrees.writeAtomically(result.resolve("image.o"), built.image().toArray());
    FileTrees.writeAtomically(result.resolve("bundle.lucos"), Bundle.of(List.of(built)).toBytes());
    tree.tidy();
    return built;
  }

  private Path step(String name) {
    return FileTrees.directories(directory.resolve(name));
  }

  private PatchedSources applied(Path step) {
    FileTrees.writeText(step.resolve("request.diff"), request.diff());
    Path overlay = FileTrees.directories(step.resolve("linux"));
    listener.step("applying " + request.diffName());
    options.headers().ifPresent(folder -> FileTrees.copyHeaders(folder, overlay));
    return PatchedSources.apply(diff, tree, overlay, commands, listener);
  }

  private List<CompiledFile> compiled(PatchedSources sources, Path step) {
    Compilation compilation = new Compilation(tree, sources.overlay(), step, listener);
    List<CompiledFile> compiled = new ArrayList<>();
    if (!sources.headers().isEmpty()) {
      ImmutableSortedMap<String, String> users =
          new HeaderUsers(tree, sources.overlay(), step, options, listener)
              .find(sources.headers(), sources.added(), Set.copyOf(sources.compiled()));
      compiled.addAll(compilation.changedOf(users));
      if (compiled.isEmpty() && sources.compiled().isEmpty()) {
        throw new RefusedException(
            new ChangeRefusal.NothingChanged(
                "no object of "
                    + tree.release()
                    + " uses what changes in "
                    + String.join(", ", sources.headers())));
      }
    }
    compiled.addAll(compilation.of(sources.compiled()));
    return compiled;
  }

  private PatchObject assembled(List<CompiledFile> compiled, String toolVersion) {
    listener.step("comparing " + compiled.size() + (compiled.size() == 1 ? " file" : " files"));
    PatchDescription description =
        new PatchDescription(
            request.name(),
            request.description(),
            request.fixes(),
            SourceDate.of(System.getenv(), request.diff()),
            toolVersion);
    TargetKernel kernel =
        new TargetKernel(tree.release(), Optional.of(tree.buildId()), tree.compiler());
    return PatchAssembler.assemble(description, kernel, compiled);
  }

  private PatchVariant.Origin origin(Path overlay, PatchVariant variant) {
    List<String> files = diff.files().stream().map(SourceDiff.FileChange::path).toList();
    EditedFunctions edited = EditedFunctions.of(tree.source(), overlay, files, commands);
    List<String> affected =
        variant.functions().stream()
            .map(PatchVariant.TargetFunction::name)
            .filter(name -> !edited.hasSymbol(name))
            .toList();
    return PatchBuilder.origin(
        request.diffName(), request.diff(), affected, variant.origin().leftOut(), tree);
  }
}
