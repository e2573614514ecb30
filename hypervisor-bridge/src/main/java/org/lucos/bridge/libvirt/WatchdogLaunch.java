package org.lucos.bridge.libvirt;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.lucos.bridge.domain.DomainIdentity;
import org.lucos.bridge.qemu.QemuHost;
import org.lucos.bridge.watchdog.WatchdogCommand;

/** Starts {@link PauseWatchdogMain}. */
record WatchdogLaunch(String uri, Duration silenceLimit) implements QemuHost.WatchdogCommand {
  @Override
  public List<String> line(DomainIdentity domain, Path socket) {
    return WatchdogCommand.line(
        PauseWatchdogMain.class,
        List.of(
            uri,
            domain.uuid().toString(),
            socket.toString(),
            Long.toString(silenceLimit.toMillis())));
  }
}
