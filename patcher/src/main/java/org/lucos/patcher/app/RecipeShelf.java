package org.lucos.patcher.app;

import java.nio.file.Path;
import org.lucos.patcher.build.BuildListener;
import org.lucos.patcher.build.BuildRequest;
import org.lucos.patcher.build.KernelTrees;
import org.lucos.patcher.build.ProcessCommands;
import org.lucos.patcher.build.recipe.RecipeFolder;
import org.lucos.patcher.build.recipe.Recipes;
import org.lucos.patcher.bytes.MalformedDataException;
import org.lucos.patcher.refusal.InputRefusal;
import org.lucos.patcher.refusal.RefusedException;

/** The recipes of this installation. */
final class RecipeShelf {
  private final RecipeFolder folder;
  private final Recipes recipes;

  RecipeShelf(Settings settings) {
    this(settings, KernelTrees.onThisHost(settings.cache()));
  }

  RecipeShelf(Settings settings, KernelTrees trees) {
    folder = RecipeFolder.read(settings.recipes());
    recipes = new Recipes(folder, trees, new ProcessCommands());
  }

  RecipeFolder folder() {
    return folder;
  }

  Recipes recipes() {
    return recipes;
  }

  /** The build of an edit script in a file. */
  BuildRequest request(Path script, String release, BuildListener listener) {
    try {
      return recipes.mechanism(RecipeFolder.script(script), release, listener);
    } catch (MalformedDataException e) {
      throw new RefusedException(
          new InputRefusal.BadSource(script.toString(), String.valueOf(e.getMessage())), e);
    }
  }

  /** The build of a fix or an edit script, whichever has the name. */
  BuildRequest request(String name, String release, BuildListener listener) {
    return folder
        .fix(name)
        .map(recipe -> recipes.fix(recipe, release, listener).request())
        .or(
            () ->
                folder.mechanism(name).map(script -> recipes.mechanism(script, release, listener)))
        .orElseThrow(() -> new RefusedException(new InputRefusal.NoSuchRecipe(name)));
  }
}
