package org.lucos.patcher.cli;

import org.lucos.patcher.app.ListRecipes;
import org.lucos.patcher.app.Progress;
import org.lucos.patcher.app.Settings;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code lucos recipes}. */
@Command(
    name = "recipes",
    description = "Lists the recipes of real fixes that a kernel lacks and newer packages have.")
@SuppressWarnings("NullAway.Init") // picocli sets the fields
final class RecipesCommand extends Subcommand<ListRecipes.Outcome> {
  @Option(
      names = {"-k", "--kernel"},
      required = true,
      paramLabel = "RELEASE",
      description = "a kernel release as 'uname -r' prints it")
  private String kernel;

  @Override
  ListRecipes.Outcome run(Settings settings, Progress progress) {
    return new ListRecipes(settings).run(kernel, progress);
  }

  @Override
  void print(Console console, ListRecipes.Outcome found) {
    if (found.fixes().isEmpty()) {
      console.line("No recipe fits %s.", found.release());
    }
    for (ListRecipes.Fix fix : found.fixes()) {
      console.line("%s  (%s -> %s)", fix.name(), fix.from(), fix.to());
      console.line("    %s %s", fix.title(), String.join(" ", fix.fixes()));
      console.line("    %s", fix.shows());
    }
    found.notes().forEach(note -> console.line("- %s", note));
  }
}
