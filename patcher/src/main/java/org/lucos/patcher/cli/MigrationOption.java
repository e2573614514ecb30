package org.lucos.patcher.cli;

import java.time.Duration;
import picocli.CommandLine.Option;

/** What to do about a guest that is being migrated, saved or dumped. */
@SuppressWarnings("NullAway.Init") // picocli sets the field
final class MigrationOption {
  @Option(
      names = "--wait-migration",
      paramLabel = "TIME",
      defaultValue = "0s",
      converter = Options.DurationConverter.class,
      description =
          "wait so long for a migration or save of the guest to end (default: refuse at once)")
  private Duration longest;

  Duration longest() {
    return longest;
  }
}
