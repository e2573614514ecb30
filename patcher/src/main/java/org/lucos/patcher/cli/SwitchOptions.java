package org.lucos.patcher.cli;

import java.time.Duration;
import java.util.Optional;
import org.lucos.patcher.app.SwitchLimits;
import picocli.CommandLine.Option;

/** How long a command may try, and how long it may stop the guest. */
@SuppressWarnings("NullAway.Init") // picocli sets the fields
final class SwitchOptions {
  @Option(
      names = "--timeout",
      paramLabel = "TIME",
      defaultValue = "30s",
      converter = Options.DurationConverter.class,
      description = "how long to try while functions are in use (default: ${DEFAULT-VALUE})")
  private Duration timeout;

  @Option(
      names = "--max-pause",
      paramLabel = "TIME",
      defaultValue = "5ms",
      converter = Options.DurationConverter.class,
      description =
          "how long the guest may be stopped for the switch; if it takes longer all is undone and"
              + " tried again (default: ${DEFAULT-VALUE})")
  private Duration maxPause;

  @Option(
      names = "--callback-timeout",
      paramLabel = "TIME",
      defaultValue = "60s",
      converter = Options.DurationConverter.class,
      description = "how long a callback of the patch may run (default: ${DEFAULT-VALUE})")
  private Duration callbackTimeout;

  @Option(
      names = "--lock-wait",
      paramLabel = "TIME",
      defaultValue = "5s",
      converter = Options.DurationConverter.class,
      description =
          "how long to wait for another command on the same guest (default: ${DEFAULT-VALUE})")
  private Duration lockWait;

  @Option(
      names = "--kick-after",
      paramLabel = "TIME",
      defaultValue = "2s",
      converter = Options.DurationConverter.class,
      description =
          "when to get tasks that sleep in a function out of their system calls, which start anew;"
              + " a few kinds of calls fail with EINTR instead (default: ${DEFAULT-VALUE})")
  private Duration kickAfter;

  @Option(names = "--no-kick", description = "wait for tasks that sleep in a function, only")
  private boolean noKick;

  @Option(
      names = "--no-agent",
      description = "do not ask the guest's agent, if it has one, to carry calls")
  private boolean noAgent;

  SwitchLimits limits() {
    return new SwitchLimits(
        timeout,
        maxPause,
        callbackTimeout,
        lockWait,
        Duration.ZERO,
        noKick ? Optional.empty() : Optional.of(kickAfter),
        !noAgent);
  }
}
