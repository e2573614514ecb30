package org.lucos.patcher.cli;

import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.lucos.patcher.app.Progress;
import org.lucos.patcher.app.Report;
import org.lucos.patcher.app.RevertPatch;
import org.lucos.patcher.app.Settings;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code lucos revert}. */
@Command(
    name = "revert",
    description = "Takes patches out of a running guest: all of them, or none.")
@SuppressWarnings("NullAway.Init") // picocli sets the fields
final class RevertCommand extends Subcommand<RevertPatch.Outcome> {
  @Mixin private GuestArgument guest;

  @Parameters(
      index = "1..*",
      arity = "0..*",
      paramLabel = "PATCH",
      description =
          "names of applied patches, of their modules, or bundle files: all are taken out in one"
              + " pause, or none")
  private @Nullable List<String> patches;

  @Option(names = "--all", description = "all patches, and those that wait")
  private boolean all;

  @Spec private CommandSpec spec;

  @Mixin private SwitchOptions limits;
  @Mixin private MigrationOption migration;

  @Override
  RevertPatch.Outcome run(Settings settings, Progress progress) {
    List<String> named = Optional.ofNullable(patches).orElse(List.of());
    if (named.isEmpty() != all) {
      throw new ParameterException(
          spec.commandLine(), "name the patches to revert, or say --all, not both");
    }
    return new RevertPatch(settings)
        .run(
            new RevertPatch.Request(
                guest.name(), named, limits.limits().waitingForMigration(migration.longest())),
            progress);
  }

  @Override
  void print(Console console, RevertPatch.Outcome outcome) {
    if (outcome.patches().isEmpty()) {
      console.line("%s has no patches", outcome.guest().name());
    }
    outcome.patches().forEach(patch -> print(console, outcome.guest(), patch));
    if (outcome.attempts() > 0) {
      console.line(
          "  paused %.3f ms for the switch (attempt %d); %d pauses in all, longest %.3f ms",
          outcome.pauseMilliseconds(),
          outcome.attempts(),
          outcome.pauses().count(),
          outcome.pauses().longestMilliseconds());
    }
    console.phases(outcome.phases());
  }

  private static void print(Console console, Report.Guest guest, RevertPatch.Reverted patch) {
    if (patch.state().equals("cancelled")) {
      console.line("%s no longer waits in %s", patch.patch(), guest.name());
      return;
    }
    console.line("Reverted %s in %s (%s)", patch.patch(), guest.name(), guest.release());
    patch.functions().forEach(f -> console.line("  %s at %s", f.name(), f.site()));
    if (!patch.unloaded()) {
      console.line("  module %s stays: the kernel may hold addresses in it", patch.module());
    }
  }
}
