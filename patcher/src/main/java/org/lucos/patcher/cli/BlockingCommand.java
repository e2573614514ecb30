package org.lucos.patcher.cli;

import java.util.ArrayList;
import java.util.List;
import org.lucos.patcher.app.Progress;
import org.lucos.patcher.app.Settings;
import org.lucos.patcher.app.ShowBlocking;
import org.lucos.patcher.refusal.ExitCode;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code lucos blocking}. */
@Command(
    name = "blocking",
    description = {
      "Shows which tasks are inside of functions and so keep them from being replaced.",
      "Exits with 5 if somebody is inside, or may be, and with 0 if nobody is."
    })
@SuppressWarnings("NullAway.Init") // picocli sets the fields
final class BlockingCommand extends Subcommand<ShowBlocking.Outcome> {
  @Mixin private GuestArgument guest;

  @Parameters(
      index = "1..*",
      paramLabel = "WHAT",
      description =
          "functions, bundle files, or patches in the guest (their new code is meant, which a"
              + " revert waits for); without any: where tasks sleep for more than a second")
  private List<String> what = new ArrayList<>();

  @Option(
      names = "--exact",
      description = "stop the guest for a moment and look at tasks that run as well")
  private boolean exact;

  @Override
  ShowBlocking.Outcome run(Settings settings, Progress progress) {
    return new ShowBlocking(settings)
        .run(new ShowBlocking.Request(guest.name(), what, exact), progress);
  }

  @Override
  ExitCode exitCode(ShowBlocking.Outcome found) {
    return found.blocks() ? ExitCode.BUSY : ExitCode.OK;
  }

  @Override
  void print(Console console, ShowBlocking.Outcome found) {
    if (what.isEmpty()) {
      printSleepers(console, found);
      return;
    }
    int inside = found.inside().size() + found.others();
    console.line(
        "%s: %s of %d tasks inside of %s%s",
        found.guest().name(),
        inside == 0 ? "none" : Integer.toString(inside),
        found.tasks(),
        String.join(", ", what),
        found.exact() ? "" : " (those that run now were not looked into; see --exact)");
    found.inside().forEach(task -> console.line("  %s", task));
    if (found.others() > 0) {
      console.line("  and %d others", found.others());
    }
    found.uncertain().forEach(line -> console.line("  not certain: %s", line));
  }

  private static void printSleepers(Console console, ShowBlocking.Outcome found) {
    console.line("%s: %d tasks sleep for more than a second", found.guest().name(), found.tasks());
    for (ShowBlocking.Group group : found.sleepers()) {
      console.line(
          "  %4d in %s%s",
          group.tasks(),
          group.where(),
          group.firm() == 0 ? "" : " (" + group.firm() + " of them cannot be kicked)");
      console.line("       %s", String.join(", ", group.examples()));
    }
  }
}
