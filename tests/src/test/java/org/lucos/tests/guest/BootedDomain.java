package org.lucos.tests.guest;

import java.nio.file.Path;
import java.time.Duration;

/** A guest that a {@link Place} has started. */
interface BootedDomain {

  /** What the hypervisor knows it by. */
  String name();

  /** The kernel's release. */
  String release();

  /** The socket of the port with the shell for programs. */
  Path console();

  /** Time since it was asked for. */
  Duration age();

  boolean isAlive();

  /** What its console has shown so far. */
  String consoleLog();

  /** The last lines of the console log, for a message; all of it is copied to where it stays. */
  String consoleTail();

  /** Ends it, whatever state it is in, and removes what was kept for it but the log. */
  void destroy();
}
