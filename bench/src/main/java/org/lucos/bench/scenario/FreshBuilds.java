package org.lucos.bench.scenario;

import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import org.lucos.bench.harness.Setting;
import org.lucos.patcher.app.Version;
import org.lucos.patcher.build.BuildListener;
import org.lucos.patcher.build.BuildRequest;
import org.lucos.patcher.build.Bundle;
import org.lucos.patcher.build.KernelTree;
import org.lucos.patcher.build.KernelTrees;
import org.lucos.patcher.build.PatchBuilder;
import org.lucos.patcher.build.PatchObject;
import org.lucos.patcher.build.ProcessCommands;
import org.lucos.patcher.build.recipe.RecipeFolder;
import org.lucos.patcher.build.recipe.Recipes;
import org.lucos.patcher.bytes.Bytes;

/**
 * Builds with a cache of their own, which can be emptied. Packages and unpacked sources are those
 * of the product's cache, so that nothing is downloaded or unpacked again.
 */
final class FreshBuilds implements AutoCloseable {
  private final Setting setting;
  private final String release;
  private final KernelTrees shared;
  private final Path tree;
  private final Path cache;

  private FreshBuilds(Setting setting, String release, Path cache) {
    this.setting = setting;
    this.release = release;
    this.cache = cache;
    this.shared = KernelTrees.onThisHost(setting.settings().cache());
    KernelTree prepared = shared.prepare(release, BuildListener.SILENT);
    prepared.examine(BuildListener.SILENT);
    this.tree = prepared.output().resolveSibling(".").normalize();
  }

  /**
   * What a build came to.
   *
   * @param microseconds it took, from the diff to the bundle's file
   * @param objects whose code differs
   * @param digest of the bundle
   */
  record Timed(long microseconds, int objects, String digest) {}

  /** For a release, whose tree is prepared in the product's cache first if need be. */
  static FreshBuilds of(Setting setting, String release) {
    return new FreshBuilds(
        setting, release, setting.work().toAbsolutePath().resolve("build-cache"));
  }

  /** The diff that an edit script is for the release. */
  BuildRequest request(String edit) {
    Path recipes = setting.settings().recipes();
    return new Recipes(RecipeFolder.read(recipes), shared, new ProcessCommands())
        .mechanism(
            RecipeFolder.script(recipes.resolve(edit + ".edit")), release, BuildListener.SILENT);
  }

  /** Leaves nothing in the cache. */
  void forgetKernel() {
    Inputs.must(List.of("rm", "-rf", cache.toString()));
    Inputs.created(cache);
  }

  /** Leaves nothing in the cache but the kernel's tree, without any object. */
  void forgetObjects() {
    forgetKernel();
    Path own = Inputs.created(cache.resolve("trees").resolve(tree.getFileName()));
    List<String> copy = new ArrayList<>(List.of("cp", "-a"));
    Inputs.children(tree).stream()
        .filter(child -> !child.endsWith("objects"))
        .forEach(child -> copy.add(child.toString()));
    copy.add(own.toString());
    Inputs.must(copy);
  }

  /** From the diff to a bundle, by a builder that remembers nothing but what is in the cache. */
  Timed build(BuildRequest request) {
    Path bundle = cache.resolve("timed.lucos");
    long start = System.nanoTime();
    PatchObject built =
        new PatchBuilder(
                KernelTrees.onThisHost(setting.settings().cache()).keptIn(cache),
                new ProcessCommands(),
                cache,
                Clock.systemUTC(),
                Version.current())
            .including(setting.settings().recipes().resolve("include"))
            .build(request, BuildListener.SILENT);
    Bundle.of(List.of(built)).write(bundle);
    long microseconds = (System.nanoTime() - start) / 1000;
    return new Timed(
        microseconds, built.variant().originals().size(), Bytes.of(Inputs.read(bundle)).sha256());
  }

  @Override
  public void close() {
    Inputs.must(List.of("rm", "-rf", cache.toString()));
  }
}
