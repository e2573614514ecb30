package org.lucos.bridge.libvirt;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.lucos.bridge.domain.DomainIdentity;
import org.lucos.bridge.qemu.QemuHost;

/**
 * Starts {@link PauseWatchdogMain} with the Java and class path of this process, in a session of
 * its own, so that what is sent to this process's group or terminal does not reach it, and deaf to
 * the polite signals, with which a supervisor ends all processes of a service at once: it goes when
 * the guest is in order.
 */
record WatchdogLaunch(String uri, Duration silenceLimit) implements QemuHost.WatchdogCommand {
  @Override
  public List<String> line(DomainIdentity domain, Path socket) {
    return List.of(
        "setsid",
        "sh",
        "-c",
        "trap '' HUP INT TERM; exec \"$@\"", // the JVM leaves signals alone that it finds ignored
        "watchdog",
        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
        "-XX:TieredStopAtLevel=1",
        "-XX:+UseSerialGC",
        "-Xshare:auto",
        "-Xmx32m",
        "-cp",
        System.getProperty("java.class.path"),
        PauseWatchdogMain.class.getName(),
        uri,
        domain.uuid().toString(),
        socket.toString(),
        Long.toString(silenceLimit.toMillis()));
  }
}
