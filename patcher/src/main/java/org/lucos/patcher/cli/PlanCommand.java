package org.lucos.patcher.cli;

import java.nio.file.Path;
import org.lucos.patcher.app.PlanPatch;
import org.lucos.patcher.app.Progress;
import org.lucos.patcher.app.Settings;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** {@code lucos plan}. */
@Command(
    name = "plan",
    description =
        "Checks everything a patch needs in a guest and shows what would be done; writes nothing.")
@SuppressWarnings("NullAway.Init") // picocli sets the fields
final class PlanCommand extends Subcommand<PlanPatch.Outcome> {
  @Mixin private GuestArgument guest;
  @Mixin private KeysOption keys;

  @Parameters(index = "1", paramLabel = "BUNDLE", description = "a file made by 'lucos build'")
  private Path bundle;

  @Override
  PlanPatch.Outcome run(Settings settings, Progress progress) {
    return new PlanPatch(keys.apply(settings)).run(guest.name(), bundle, progress);
  }

  @Override
  void print(Console console, PlanPatch.Outcome plan) {
    plan.text().lines().forEach(line -> console.line("%s", line));
  }
}
