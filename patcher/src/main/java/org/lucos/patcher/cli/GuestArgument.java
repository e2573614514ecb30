package org.lucos.patcher.cli;

import picocli.CommandLine.Parameters;

/** The guest a command is about. */
@SuppressWarnings("NullAway.Init") // picocli sets the field
final class GuestArgument {
  @Parameters(
      index = "0",
      paramLabel = "GUEST",
      description = "name, UUID or id of a running domain")
  private String guest;

  String name() {
    return guest;
  }
}
