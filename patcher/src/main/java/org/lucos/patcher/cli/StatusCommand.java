package org.lucos.patcher.cli;

import org.lucos.patcher.app.Progress;
import org.lucos.patcher.app.Settings;
import org.lucos.patcher.app.ShowStatus;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** {@code lucos status}. */
@Command(name = "status", description = "Shows the patches in a guest, as its memory tells.")
@SuppressWarnings("NullAway.Init") // picocli sets the fields
final class StatusCommand extends Subcommand<ShowStatus.Outcome> {
  @Mixin private GuestArgument guest;

  @Override
  ShowStatus.Outcome run(Settings settings, Progress progress) {
    return new ShowStatus(settings).run(guest.name());
  }

  @Override
  void print(Console console, ShowStatus.Outcome status) {
    console.line(
        "%s runs %s (build-id %s)",
        status.guest().name(), status.guest().release(), status.guest().buildId());
    if (status.patches().isEmpty()) {
      console.line("  no patches");
    }
    for (ShowStatus.Patch patch : status.patches()) {
      console.line("  %-8s %s  %s", patch.state(), patch.patch(), patch.description());
      console.line(
          "           module %s, %s %s",
          patch.module(), isRecord(patch) ? "recorded" : "applied", patch.appliedAt());
      if (isRecord(patch)) {
        console.line("           %s", waiting(patch));
      }
      patch
          .functions()
          .forEach(f -> console.line("           %s at %s: %s", f.name(), f.site(), f.state()));
      patch
          .draining()
          .forEach(
              task ->
                  console.line(
                      "           still inside: %s (pid %d) in %s, %s",
                      task.name(), task.pid(), task.function(), task.condition()));
      patch
          .callbacks()
          .forEach(
              c ->
                  console.line(
                      "           %s %s (%s): %s", c.kind(), c.function(), c.object(), c.state()));
    }
    status.notes().forEach(n -> console.line("  note: %s", n));
  }

  private static boolean isRecord(ShowStatus.Patch patch) {
    return patch.state().equals("waiting") || patch.state().equals("expired");
  }

  private static String waiting(ShowStatus.Patch patch) {
    if (patch.state().equals("expired")) {
      return "the guest was rebooted since: apply it again, or 'lucos revert' forgets it";
    }
    return patch.waitsFor().isEmpty()
        ? "its modules are loaded: 'lucos settle' applies it"
        : "waiting for module " + String.join(", ", patch.waitsFor());
  }
}
