package org.lucos.bridge.watchdog;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** How a watchdog process is started. */
public final class WatchdogCommand {
  private WatchdogCommand() {}

  /**
   * The command line that runs a class with the Java and class path of this process, in a session
   * of its own, so that what is sent to this process's group or terminal does not reach it, and
   * deaf to the polite signals, with which a supervisor ends all processes of a service at once: it
   * goes when the guest is in order.
   *
   * @param program has a {@code main} that runs a {@link PauseWatchdog}
   * @param arguments what it is given
   */
  public static List<String> line(Class<?> program, List<String> arguments) {
    List<String> line =
        new ArrayList<>(
            List.of(
                "setsid",
                "sh",
                "-c",
                "trap '' HUP INT TERM; exec \"$@\"", // the JVM leaves signals alone found ignored
                "watchdog",
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-XX:+UseSerialGC",
                "-Xshare:auto",
                "-Xmx32m",
                "-cp",
                System.getProperty("java.class.path"),
                program.getName()));
    line.addAll(arguments);
    return List.copyOf(line);
  }
}
