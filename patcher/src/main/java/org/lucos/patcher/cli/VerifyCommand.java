package org.lucos.patcher.cli;

import org.lucos.patcher.app.Progress;
import org.lucos.patcher.app.Settings;
import org.lucos.patcher.app.VerifyGuest;
import org.lucos.patcher.refusal.ExitCode;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** {@code lucos verify}. */
@Command(
    name = "verify",
    description = "Compares the text of a guest's patches with what should be there.")
@SuppressWarnings("NullAway.Init") // picocli sets the fields
final class VerifyCommand extends Subcommand<VerifyGuest.Outcome> {
  @Mixin private GuestArgument guest;

  @Override
  VerifyGuest.Outcome run(Settings settings, Progress progress) {
    return new VerifyGuest(settings).run(guest.name());
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
  }
}
