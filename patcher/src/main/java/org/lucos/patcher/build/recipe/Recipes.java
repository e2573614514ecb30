package org.lucos.patcher.build.recipe;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import org.lucos.patcher.build.BuildListener;
import org.lucos.patcher.build.BuildRequest;
import org.lucos.patcher.build.CFunctions;
import org.lucos.patcher.build.DiffTool;
import org.lucos.patcher.build.HostCommands;
import org.lucos.patcher.build.KernelTrees;
import org.lucos.patcher.build.PackageVersion;
import org.lucos.patcher.build.SourceStore;
import org.lucos.patcher.build.recipe.FixRecipe.Change;
import org.lucos.patcher.refusal.FitRefusal;
import org.lucos.patcher.refusal.InputRefusal;
import org.lucos.patcher.refusal.RefusedException;

/** Turns recipes into diffs against the source of a given kernel. */
public final class Recipes {
  private final RecipeFolder folder;
  private final KernelTrees trees;
  private final SourceStore sources;
  private final DiffTool diff;

  /** Recipes of this folder, with sources from {@code trees}. */
  public Recipes(RecipeFolder folder, KernelTrees trees, HostCommands commands) {
    this.folder = folder;
    this.trees = trees;
    this.sources = trees.sources();
    this.diff = new DiffTool(commands);
  }

  /**
   * The fixes a kernel lacks and a newer package of its series has. Recipes that do not fit are
   * left out; the listener hears why.
   */
  public List<AvailableFix> available(String release, BuildListener listener) {
    Sources of = sourcesOf(release, listener);
    List<AvailableFix> found = new ArrayList<>();
    for (FixRecipe recipe : folder.fixes()) {
      try {
        found.add(fix(recipe, of, listener));
      } catch (RefusedException e) {
        if (!(e.refusal() instanceof FitRefusal.RecipeDoesNotFit)) {
          throw e;
        }
        listener.note(e.refusal().message());
      }
    }
    return found;
  }

  /**
   * One fix for a kernel.
   *
   * @throws RefusedException {@code RecipeDoesNotFit} when the kernel has the fix already, or no
   *     package on offer has it
   */
  public AvailableFix fix(FixRecipe recipe, String release, BuildListener listener) {
    return fix(recipe, sourcesOf(release, listener), listener);
  }

  /** A kernel's own source and the newer ones on offer, newest first. */
  private record Sources(String release, PackageVersion own, List<PackageVersion> newer) {}

  private Sources sourcesOf(String release, BuildListener listener) {
    PackageVersion own = trees.packages().find(release, listener).source();
    List<String> versions = trees.packages().sourceVersions(release);
    List<PackageVersion> newer =
        versions.subList(0, versions.indexOf(own.version())).stream()
            .map(version -> new PackageVersion(own.name(), version))
            .toList();
    return new Sources(release, own, newer);
  }

  private AvailableFix fix(FixRecipe recipe, Sources of, BuildListener listener) {
    if (isFixed(recipe, of.own(), listener)) {
      throw refused(recipe, of.release() + " has this fix");
    }
    // The newest first: one download serves all recipes.
    for (PackageVersion candidate : of.newer()) {
      if (isFixed(recipe, candidate, listener)) {
        String text = diff(recipe, of.own(), candidate, listener);
        return new AvailableFix(recipe, of.release(), of.own(), candidate, text);
      }
    }
    throw refused(recipe, "no newer source package on offer has the fix: " + of.newer());
  }

  /**
   * An edit script as a build for a kernel.
   *
   * @throws RefusedException {@code PatchDoesNotApply} when the kernel's source has not what it
   *     names
   */
  public BuildRequest mechanism(EditScript script, String release, BuildListener listener) {
    PackageVersion own = trees.packages().find(release, listener).source();
    StringBuilder text = new StringBuilder();
    script
        .apply(path -> text(own, path, listener))
        .forEach(
            (path, edited) -> text.append(diff.unified(path, text(own, path, listener), edited)));
    String name = script.name();
    return new BuildRequest(
        release, "edit script " + name, text.toString(), name, script.title(), List.of());
  }

  private boolean isFixed(FixRecipe recipe, PackageVersion version, BuildListener listener) {
    sources.files(version, files(), listener);
    return recipe.changes().stream()
        .allMatch(
            change ->
                sources
                    .text(version, change.file(), listener)
                    .filter(text -> isFixed(change, text))
                    .isPresent());
  }

  private static boolean isFixed(Change change, String text) {
    CFunctions all = CFunctions.of(text);
    Pattern mark = Pattern.compile(change.mark());
    return change.functions().stream()
        .flatMap(name -> all.find(name).stream())
        .map(function -> SourceText.lines(text, function.firstLine(), function.lastLine()))
        .anyMatch(body -> mark.matcher(body).find());
  }

  private String diff(
      FixRecipe recipe, PackageVersion from, PackageVersion to, BuildListener listener) {
    StringBuilder result = new StringBuilder();
    for (Change change : recipe.changes()) {
      String before = text(from, change.file(), listener);
      String after = text(to, change.file(), listener);
      Optional<Pattern> only = change.only().map(Pattern::compile);
      String fixed = new RecipeDiff(diff).select(before, after, change.functions(), only);
      result.append(diff.unified(change.file(), before, fixed));
    }
    return result.toString();
  }

  private String text(PackageVersion version, String path, BuildListener listener) {
    return sources
        .text(version, path, listener)
        .orElseThrow(
            () ->
                new RefusedException(
                    new InputRefusal.PatchDoesNotApply(
                        path, "there is no such file in " + version)));
  }

  /** All files of all recipes: taken out of a source package in one go. */
  private List<String> files() {
    return folder.fixes().stream()
        .flatMap(recipe -> recipe.changes().stream())
        .map(Change::file)
        .distinct()
        .toList();
  }

  private static RefusedException refused(FixRecipe recipe, String why) {
    return new RefusedException(new FitRefusal.RecipeDoesNotFit(recipe.name(), why));
  }
}
