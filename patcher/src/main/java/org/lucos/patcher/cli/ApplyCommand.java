package org.lucos.patcher.cli;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.lucos.patcher.app.ApplyPatch;
import org.lucos.patcher.app.Progress;
import org.lucos.patcher.app.Settings;
import org.lucos.patcher.app.SoakedApply;
import org.lucos.patcher.refusal.ExitCode;
import org.lucos.patcher.refusal.Straggler;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code lucos apply}. */
@Command(name = "apply", description = "Applies patches to a running guest: all of them, or none.")
@SuppressWarnings("NullAway.Init") // picocli sets the fields
final class ApplyCommand extends Subcommand<SoakedApply.Outcome> {
  @Mixin private GuestArgument guest;
  @Mixin private KeysOption keys;

  @Parameters(
      index = "1..*",
      arity = "1..*",
      paramLabel = "BUNDLE",
      description = "files made by 'lucos build': all of them are applied in one pause, or none")
  private List<Path> bundles;

  @Option(
      names = "--replace",
      arity = "0..1",
      split = ",",
      fallbackValue = "",
      paramLabel = "PATCH",
      description =
          "take out all applied patches, or only those named (--replace=A,B), in the same pause")
  private @Nullable List<String> replace;

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

  @Option(
      names = "--immediate",
      description =
          "do not wait for tasks inside of old code, if the patch's author promised that this is"
              + " safe; 'lucos status' says draining until they have left")
  private boolean immediate;

  @Option(
      names = "--soak",
      paramLabel = "TIME",
      defaultValue = "0s",
      converter = Options.DurationConverter.class,
      description =
          "watch the guest's health for so long afterwards, and revert if it is not well: oops, BUG"
              + " or WARN in or near patched code, lockup, stall, taint, a task stuck in it"
              + " (default: not at all)")
  private Duration soak;

  @Option(
      names = "--stuck-after",
      paramLabel = "TIME",
      defaultValue = "10s",
      converter = Options.DurationConverter.class,
      description =
          "how long a task sleeps uninterruptibly in patched code until --soak calls it stuck"
              + " (default: ${DEFAULT-VALUE})")
  private Duration stuckAfter;

  @Option(
      names = "--no-auto-revert",
      description = "only say what --soak and probes saw, and leave the patches applied")
  private boolean noAutoRevert;

  @ArgGroup private Probes probes = new Probes();

  /** What becomes of the bundles' probes. */
  static final class Probes {
    @Option(names = "--no-probes", description = "do not run the probes of the bundles")
    boolean none;

    @Option(
        names = "--require-probes",
        description =
            "apply nothing unless the guest's agent can run the bundles' probes (default: what is"
                + " not run is said)")
    boolean required;
  }

  @Spec private CommandSpec spec;

  private SoakedApply.Probing probing() {
    if (probes.none) {
      return SoakedApply.Probing.NONE;
    }
    return probes.required ? SoakedApply.Probing.REQUIRED : SoakedApply.Probing.IF_POSSIBLE;
  }

  /** Behind {@code --replace} and a blank a bundle would be taken for the name of a patch. */
  private Optional<List<String>> replaced() {
    if (replace == null) {
      return Optional.empty();
    }
    for (String name : replace) {
      if (Files.isRegularFile(Path.of(name))) {
        throw new ParameterException(
            spec.commandLine(),
            "'" + name + "' is a file: write bundles before --replace, or --replace=PATCH,PATCH");
      }
    }
    return Optional.of(replace.stream().filter(name -> !name.isEmpty()).toList());
  }

  @Override
  SoakedApply.Outcome run(Settings settings, Progress progress) {
    ApplyPatch.Request request =
        new ApplyPatch.Request(
            guest.name(),
            bundles,
            replaced(),
            limits.limits().waitingForMigration(migration.longest()),
            dryRun,
            allowUnsigned,
            !noWait,
            immediate);
    return new SoakedApply(keys.apply(settings))
        .run(request, new SoakedApply.Soak(soak, stuckAfter, !noAutoRevert, probing()), progress);
  }

  @Override
  ExitCode exitCode(SoakedApply.Outcome outcome) {
    return outcome.exitCode();
  }

  @Override
  void print(Console console, SoakedApply.Outcome outcome) {
    print(console, outcome.applied());
    outcome
        .health()
        .ifPresent(
            health -> {
              console.line(
                  "  %s: watched for %.1f s, %d looks",
                  health.healthy() ? "healthy" : "NOT WELL, and not reverted",
                  health.watchedMilliseconds() / 1000,
                  health.looks());
              health.symptoms().forEach(s -> console.line("    %s", HealthText.safe(s.toString())));
              health.notes().forEach(note -> console.line("    note: %s", note));
            });
    outcome.probes().ifPresent(report -> ProbeText.print(console, report));
  }

  private static void print(Console console, ApplyPatch.Outcome applied) {
    if (applied.state().equals("waiting")) {
      printWaiting(console, applied);
      return;
    }
    for (ApplyPatch.Applied patch : applied.patches()) {
      console.line(
          applied.dryRun() ? "Would apply %s to %s (%s)" : "Applied %s to %s (%s)",
          patch.patch(),
          applied.guest().name(),
          applied.guest().release());
      patch
          .functions()
          .forEach(f -> console.line("  %s at %s -> %s", f.name(), f.site(), f.replacement()));
      printTrust(console, patch);
    }
    if (!applied.replaced().isEmpty()) {
      console.line("  in the place of %s", String.join(", ", applied.replaced()));
    }
    for (Straggler task : applied.draining()) {
      console.line("  draining: %s (pid %d) in %s", task.name(), task.pid(), task.function());
    }
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

  private static void printTrust(Console console, ApplyPatch.Applied patch) {
    console.line("  %s", patch.signature().text());
    patch.warnings().forEach(w -> console.line("  warning: %s", w));
  }

  private static void printWaiting(Console console, ApplyPatch.Outcome waiting) {
    console.line(
        waiting.dryRun() ? "%s would wait in %s for module %s" : "%s waits in %s for module %s",
        waiting.patches().get(0).patch(),
        waiting.guest().name(),
        String.join(", ", waiting.waitsFor()));
    printTrust(console, waiting.patches().get(0));
    if (!waiting.dryRun()) {
      console.line(
          "  nothing of it is applied yet; 'lucos settle --watch %s' does so once the module is"
              + " loaded, 'lucos revert' cancels it",
          waiting.guest().name());
    }
  }
}
