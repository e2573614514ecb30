package org.lucos.patcher.cli;

import org.lucos.patcher.app.ListGuests;
import org.lucos.patcher.app.Progress;
import org.lucos.patcher.app.Settings;
import picocli.CommandLine.Command;

/** {@code lucos list}. */
@Command(
    name = "list",
    description = "Lists the running guests of this host, their kernels and patches.")
@SuppressWarnings("NullAway.Init") // picocli sets the fields
final class ListCommand extends Subcommand<ListGuests.Outcome> {
  @Override
  ListGuests.Outcome run(Settings settings, Progress progress) {
    return new ListGuests(settings).run();
  }

  @Override
  void print(Console console, ListGuests.Outcome outcome) {
    if (outcome.guests().isEmpty()) {
      console.line("No running guests.");
      return;
    }
    console.line("%4s  %-24s %-10s %-32s %s", "ID", "NAME", "STATE", "KERNEL", "PATCHES");
    for (ListGuests.Guest guest : outcome.guests()) {
      console.line(
          "%4d  %-24s %-10s %-32s %s",
          guest.id(),
          guest.name(),
          guest.state(),
          guest.kernel(),
          guest.patches().isEmpty() ? "-" : String.join(", ", guest.patches()));
    }
  }
}
