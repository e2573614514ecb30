package org.lucos.patcher.app;

import java.util.ArrayList;
import java.util.List;
import org.lucos.patcher.build.recipe.AvailableFix;

/** Tells which recipes of real fixes a kernel lacks and the package index has. */
public final class ListRecipes {
  private final Settings settings;

  /** Works with these settings. */
  public ListRecipes(Settings settings) {
    this.settings = settings;
  }

  /**
   * What fits the kernel.
   *
   * @param notes why others do not
   */
  public record Outcome(String release, List<Fix> fixes, List<String> notes) {
    /** Copies the lists. */
    public Outcome {
      fixes = List.copyOf(fixes);
      notes = List.copyOf(notes);
    }
  }

  /**
   * One fix.
   *
   * @param shows what a program in the guest can see of it
   * @param observer the source of that program
   * @param from version of the kernel's source package
   * @param to version the fix is taken from
   */
  public record Fix(
      String name,
      String title,
      List<String> fixes,
      String shows,
      String observer,
      String from,
      String to) {
    /** Copies the list. */
    public Fix {
      fixes = List.copyOf(fixes);
    }
  }

  /** Looks at the source packages of the kernel's series. */
  public Outcome run(String release, Progress progress) {
    RecipeShelf shelf = new RecipeShelf(settings);
    List<String> notes = new ArrayList<>();
    PhaseListener listener = new PhaseListener(new Phases(progress), progress, notes, "");
    List<Fix> fixes =
        shelf.recipes().available(release, listener).stream()
            .map(fix -> describe(shelf, fix))
            .toList();
    return new Outcome(release, fixes, notes);
  }

  private static Fix describe(RecipeShelf shelf, AvailableFix fix) {
    return new Fix(
        fix.recipe().name(),
        fix.recipe().title(),
        fix.recipe().fixes(),
        fix.recipe().shows(),
        shelf.folder().observer(fix.recipe()).toString(),
        fix.from().version(),
        fix.to().version());
  }
}
