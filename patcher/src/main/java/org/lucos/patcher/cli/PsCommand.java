package org.lucos.patcher.cli;

import java.util.Locale;
import org.lucos.patcher.app.Progress;
import org.lucos.patcher.app.Settings;
import org.lucos.patcher.app.ShowTasks;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** {@code lucos ps}. */
@Command(
    name = "ps",
    description = "Shows a guest's tasks and CPUs, from its memory and without a pause.")
@SuppressWarnings("NullAway.Init") // picocli sets the fields
final class PsCommand extends Subcommand<ShowTasks.Outcome> {
  @Mixin private GuestArgument guest;

  @Override
  ShowTasks.Outcome run(Settings settings, Progress progress) {
    return new ShowTasks(settings).run(guest.name());
  }

  @Override
  void print(Console console, ShowTasks.Outcome found) {
    for (ShowTasks.Cpu cpu : found.cpus()) {
      console.line(
          "CPU %d: %s; %d runnable, %d switches%s",
          cpu.cpu(),
          HealthText.safe(cpu.running()),
          cpu.runnable(),
          cpu.switches(),
          cpu.stuckSeconds()
              .map(s -> String.format(Locale.ROOT, "; stuck in the kernel for %.0f s", s))
              .orElse(""));
    }
    HealthText.condition(console, found.condition());
    console.line("%7s %7s S CPU %10s  %-16s %s", "PID", "PROCESS", "SINCE", "NAME", "IN");
    for (ShowTasks.Entry thread : found.threads()) {
      console.line(
          "%7d %7d %s%s %3d %10s  %-16s %s",
          thread.pid(),
          thread.process(),
          thread.state(),
          thread.running() ? "*" : " ",
          thread.cpu(),
          thread.sinceSeconds().map(s -> String.format(Locale.ROOT, "%.1f s", s)).orElse("-"),
          HealthText.safe(thread.name()),
          HealthText.safe(thread.blockedIn()));
    }
  }
}
