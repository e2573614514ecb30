package org.lucos.bridge.qemu;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;
import org.lucos.bridge.domain.DomainRefusal;
import org.lucos.bridge.domain.DomainRefusedException;

/** The socket QEMU's gdbstub listens at, opened and closed through the monitor. */
final class DebugPort {
  private static final long NAP_NANOS = 20_000_000;

  private final QemuMonitor monitor;
  private final String domain;
  private final Path socket;

  /**
   * @param domain the name for messages
   * @param socket where the stub is to listen: a path that is nobody else's
   */
  DebugPort(QemuMonitor monitor, String domain, Path socket) {
    this.monitor = monitor;
    this.domain = domain;
    this.socket = socket;
  }

  Path socket() {
    return socket;
  }

  /**
   * Makes the stub listen. A port left over by a controller that is gone is taken over.
   *
   * @throws DomainRefusedException if somebody else uses the gdbstub
   */
  void open() {
    requireFree();
    if (monitor.gdbDevice().isPresent()) {
      monitor.hmp("gdbserver none");
    }
    listen();
  }

  /**
   * Checks that nobody uses the gdbstub.
   *
   * @throws DomainRefusedException if somebody does
   */
  void requireFree() {
    Optional<QemuMonitor.CharacterDevice> user = user();
    if (user.isPresent()) {
      throw new DomainRefusedException(
          new DomainRefusal.DebuggerAttached(domain, user.get().filename()));
    }
  }

  /**
   * Waits until nobody uses the gdbstub: the watchdog of a controller that died connects to it for
   * a moment.
   *
   * @throws DomainRefusedException if somebody still does after {@code patience}
   */
  void awaitFree(Duration patience) {
    long deadline = System.nanoTime() + patience.toNanos();
    while (user().isPresent() && System.nanoTime() < deadline) {
      LockSupport.parkNanos(NAP_NANOS);
    }
    requireFree();
  }

  private Optional<QemuMonitor.CharacterDevice> user() {
    return monitor.gdbDevice().filter(device -> !isOurs(device) || !device.disconnected());
  }

  /** Makes the stub listen afresh, throwing out whoever of us is connected. */
  void reopen() {
    monitor.hmp("gdbserver none");
    listen();
  }

  private void listen() {
    String answer = monitor.hmp("gdbserver unix:" + socket + ",server=on,wait=off");
    if (monitor.gdbDevice().filter(this::isOurs).isEmpty()) {
      throw new DomainRefusedException(
          new DomainRefusal.HypervisorFailure("opening the gdbstub at " + socket, answer.strip()));
    }
  }

  /** Closes the port if it is ours and open. */
  void close() {
    if (monitor.gdbDevice().filter(this::isOurs).isPresent()) {
      monitor.hmp("gdbserver none");
    }
  }

  private boolean isOurs(QemuMonitor.CharacterDevice device) {
    return device.filename().contains("unix:" + socket + ",");
  }
}
