package org.lucos.patcher.cli;

import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.lucos.patcher.app.CheckHost;
import org.lucos.patcher.app.Progress;
import org.lucos.patcher.app.Settings;
import org.lucos.patcher.refusal.ExitCode;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code lucos doctor}. */
@Command(name = "doctor", description = "Checks what this host, and a guest, need for patching.")
@SuppressWarnings("NullAway.Init") // picocli sets the fields
final class DoctorCommand extends Subcommand<CheckHost.Outcome> {
  @Parameters(
      index = "0",
      arity = "0..1",
      paramLabel = "GUEST",
      description = "also check this running domain")
  private @Nullable String guest;

  @Override
  CheckHost.Outcome run(Settings settings, Progress progress) {
    return new CheckHost(settings).run(Optional.ofNullable(guest));
  }

  @Override
  ExitCode exitCode(CheckHost.Outcome checked) {
    return checked.ready() ? ExitCode.OK : ExitCode.HOST_NOT_READY;
  }

  @Override
  void print(Console console, CheckHost.Outcome checked) {
    for (CheckHost.Check check : checked.checks()) {
      console.line("%-8s %s: %s", check.verdict(), check.name(), check.detail());
      if (!check.remedy().isEmpty()) {
        console.line("         %s", check.remedy());
      }
    }
  }
}
