package org.lucos.patcher.cli;

import org.lucos.patcher.app.Progress;
import org.lucos.patcher.app.RecoverGuest;
import org.lucos.patcher.app.Settings;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** {@code lucos recover}. */
@Command(
    name = "recover",
    description = "Finishes or undoes what a command that was killed had begun in a guest.")
@SuppressWarnings("NullAway.Init") // picocli sets the fields
final class RecoverCommand extends Subcommand<RecoverGuest.Outcome> {
  @Mixin private GuestArgument guest;
  @Mixin private SwitchOptions limits;

  @Override
  RecoverGuest.Outcome run(Settings settings, Progress progress) {
    return new RecoverGuest(settings)
        .run(new RecoverGuest.Request(guest.name(), limits.limits()), progress);
  }

  @Override
  void print(Console console, RecoverGuest.Outcome recovered) {
    String operation =
        recovered.operation().isEmpty()
            ? ""
            : ": " + recovered.operation() + ", begun " + recovered.began();
    console.line("%s%s", text(recovered.finding()), operation);
    recovered
        .steps()
        .forEach(step -> console.line("  %s %s%s", step.at(), step.step(), ended(step)));
    recovered.patches().forEach(patch -> console.line("  %-8s %s", patch.state(), patch.patch()));
    recovered.notes().forEach(note -> console.line("  note: %s", note));
    console.phases(recovered.phases());
  }

  private static String ended(RecoverGuest.Step step) {
    return step.done() ? "" : ": not over";
  }

  private static String text(String finding) {
    return switch (finding) {
      case "finished" -> "Finished";
      case "undone" -> "Undone";
      case "tidied" -> "No operation is recorded, but one of another host had left something: done";
      case "mixed" -> "Neither done nor undone, see 'lucos status'";
      case "lost-to-reboot" -> "Lost to a reboot of the guest";
      default -> "Nothing to recover";
    };
  }
}
