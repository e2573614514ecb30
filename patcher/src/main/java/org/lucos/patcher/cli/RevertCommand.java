package org.lucos.patcher.cli;

import org.lucos.patcher.app.Progress;
import org.lucos.patcher.app.RevertPatch;
import org.lucos.patcher.app.Settings;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** {@code lucos revert}. */
@Command(name = "revert", description = "Takes a patch out of a running guest.")
@SuppressWarnings("NullAway.Init") // picocli sets the fields
final class RevertCommand extends Subcommand<RevertPatch.Outcome> {
  @Mixin private GuestArgument guest;

  @Parameters(
      index = "1",
      paramLabel = "PATCH",
      description = "name of an applied patch, of its module, or a bundle file")
  private String patch;

  @Mixin private SwitchOptions limits;
  @Mixin private MigrationOption migration;

  @Override
  RevertPatch.Outcome run(Settings settings, Progress progress) {
    RevertPatch.Request request =
        new RevertPatch.Request(
            guest.name(),
            patch,
            limits.timeout(),
            limits.maxPause(),
            limits.callbackTimeout(),
            migration.longest());
    return new RevertPatch(settings).run(request, progress);
  }

  @Override
  void print(Console console, RevertPatch.Outcome reverted) {
    if (reverted.state().equals("cancelled")) {
      console.line("%s no longer waits in %s", reverted.patch(), reverted.guest().name());
      return;
    }
    console.line(
        "Reverted %s in %s (%s)",
        reverted.patch(), reverted.guest().name(), reverted.guest().release());
    reverted.functions().forEach(f -> console.line("  %s at %s", f.name(), f.site()));
    console.line(
        "  paused %.3f ms for the switch (attempt %d); %d pauses in all, longest %.3f ms",
        reverted.pauseMilliseconds(),
        reverted.attempts(),
        reverted.pauses().count(),
        reverted.pauses().longestMilliseconds());
    if (!reverted.unloaded()) {
      console.line("  module %s stays: the kernel may hold addresses in it", reverted.module());
    }
    console.phases(reverted.phases());
  }
}
