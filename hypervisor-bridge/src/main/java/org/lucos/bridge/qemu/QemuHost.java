package org.lucos.bridge.qemu;

import java.nio.file.Path;
import java.util.List;
import org.lucos.bridge.domain.DomainIdentity;

/**
 * What of the host QEMU runs on matters here.
 *
 * @param procDirectory where procfs is
 * @param pidFileDirectory where libvirt keeps {@code NAME.pid}
 * @param watchdog how to start a watchdog process
 */
public record QemuHost(Path procDirectory, Path pidFileDirectory, WatchdogCommand watchdog) {

  /** Makes the command line of a process that runs a {@code PauseWatchdog}. */
  @FunctionalInterface
  public interface WatchdogCommand {
    /** The command line for a watchdog over {@code domain}, whose gdbstub is at {@code socket}. */
    List<String> line(DomainIdentity domain, Path socket);
  }

  List<String> watchdogCommand(DomainIdentity domain, Path socket) {
    return watchdog.line(domain, socket);
  }
}
