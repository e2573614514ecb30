package org.lucos.patcher.cli;

import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.lucos.patcher.app.Progress;
import org.lucos.patcher.app.Settings;
import org.lucos.patcher.app.VerifyGuest;
import org.lucos.patcher.refusal.ExitCode;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code lucos verify}. */
@Command(
    name = "verify",
    description =
        "Compares all text of a guest's kernel (not of its modules) with the image it booted, and"
            + " the sites of patches with what should be there; names every difference that"
            + " neither the kernel's own rewriting nor a known tracer, probe or patch explains.")
@SuppressWarnings("NullAway.Init") // picocli sets the fields
final class VerifyCommand extends Subcommand<VerifyGuest.Outcome> {
  @Mixin private GuestArgument guest;

  @Option(
      names = {"--vmlinuz", "--vmlinux"},
      paramLabel = "FILE",
      description = "the image the guest booted (default: from the package with its build-id)")
  private @Nullable Path image;

  @Option(names = "--sites-only", description = "look at the sites of patches and nothing else")
  private boolean sitesOnly;

  @Override
  VerifyGuest.Outcome run(Settings settings, Progress progress) {
    return new VerifyGuest(settings)
        .run(
            new VerifyGuest.Request(guest.name(), !sitesOnly, Optional.ofNullable(image)),
            progress);
  }

  @Override
  ExitCode exitCode(VerifyGuest.Outcome verified) {
    return verified.sound() ? ExitCode.OK : ExitCode.TEXT_DIFFERS;
  }

  @Override
  void print(Console console, VerifyGuest.Outcome verified) {
    console.line(
        "%s: %d patches, %d sites checked: %s",
        verified.guest().name(),
        verified.patches(),
        verified.sites(),
        verified.sound() ? "as it should be" : "NOT as it should be");
    verified.problems().forEach(p -> console.line("  %s", p));
    VerifyGuest.Text text = verified.text();
    if (!text.compared()) {
      console.line("  kernel text was not compared: %s", text.note());
      return;
    }
    console.line(
        "  kernel text: %d bytes compared (%s), %d differences",
        text.bytes(), text.scope(), text.differences().size());
    text.explained().forEach((kind, count) -> console.line("  %8d  %s", count, kind));
    text.differences()
        .forEach(
            d ->
                console.line(
                    "  %s (%s): %s, should be %s",
                    d.place(), d.address(), d.found(), d.expected()));
  }
}
