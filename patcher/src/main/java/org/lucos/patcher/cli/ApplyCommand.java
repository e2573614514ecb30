package org.lucos.patcher.cli;

import java.nio.file.Path;
import org.lucos.patcher.app.ApplyPatch;
import org.lucos.patcher.app.Progress;
import org.lucos.patcher.app.Settings;
import org.lucos.patcher.refusal.ExitCode;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code lucos apply}. */
@Command(name = "apply", description = "Applies a patch to a running guest.")
@SuppressWarnings("NullAway.Init") // picocli sets the fields
final class ApplyCommand extends Subcommand<ApplyPatch.Outcome> {
  @Mixin private GuestArgument guest;
  @Mixin private KeysOption keys;

  @Parameters(index = "1", paramLabel = "BUNDLE", description = "a file made by 'lucos build'")
  private Path bundle;

  @Mixin private SwitchOptions limits;
  @Mixin private MigrationOption migration;

  @Option(
      names = {"-n", "--dry-run"},
      description = "check everything as 'lucos plan' does and stop")
  private boolean dryRun;

  @Option(
      names = "--allow-unsigned",
      description = "take a bundle that is not signed, or by keys that are not trusted")
  private boolean allowUnsigned;

  @Option(
      names = "--no-wait",
      description = "refuse if a module that it changes is not loaded, instead of waiting for it")
  private boolean noWait;

  @Override
  ApplyPatch.Outcome run(Settings settings, Progress progress) {
    ApplyPatch.Request request =
        new ApplyPatch.Request(
            guest.name(),
            bundle,
            limits.timeout(),
            limits.maxPause(),
            dryRun,
            limits.callbackTimeout(),
            allowUnsigned,
            !noWait,
            migration.longest());
    return new ApplyPatch(keys.apply(settings)).run(request, progress);
  }

  @Override
  ExitCode exitCode(ApplyPatch.Outcome applied) {
    return applied.state().equals("waiting") ? ExitCode.WAITING : ExitCode.OK;
  }

  @Override
  void print(Console console, ApplyPatch.Outcome applied) {
    if (applied.state().equals("waiting")) {
      printWaiting(console, applied);
      return;
    }
    console.line(
        applied.dryRun() ? "Would apply %s to %s (%s)" : "Applied %s to %s (%s)",
        applied.patch(),
        applied.guest().name(),
        applied.guest().release());
    applied
        .functions()
        .forEach(f -> console.line("  %s at %s -> %s", f.name(), f.site(), f.replacement()));
    console.line("  %s", applied.signature().text());
    applied.warnings().forEach(w -> console.line("  warning: %s", w));
    if (!applied.dryRun()) {
      console.line(
          "  paused %.3f ms for the switch (stack check %.3f, write %.3f; attempt %d)",
          applied.pauseMilliseconds(),
          applied.checkMilliseconds(),
          applied.writeMilliseconds(),
          applied.attempts());
      console.line(
          "  %d pauses in all, %.3f ms together, longest %.3f ms",
          applied.pauses().count(),
          applied.pauses().totalMilliseconds(),
          applied.pauses().longestMilliseconds());
    }
    console.phases(applied.phases());
  }

  private static void printWaiting(Console console, ApplyPatch.Outcome waiting) {
    console.line(
        waiting.dryRun() ? "%s would wait in %s for module %s" : "%s waits in %s for module %s",
        waiting.patch(),
        waiting.guest().name(),
        String.join(", ", waiting.waitsFor()));
    console.line("  %s", waiting.signature().text());
    waiting.warnings().forEach(w -> console.line("  warning: %s", w));
    if (!waiting.dryRun()) {
      console.line(
          "  nothing of it is applied yet; 'lucos settle --watch %s' does so once the module is"
              + " loaded, 'lucos revert' cancels it",
          waiting.guest().name());
    }
  }
}
