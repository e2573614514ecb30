package org.lucos.bridge.libvirt;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.function.Supplier;
import org.lucos.bridge.qemu.DomainControl;
import org.lucos.bridge.qemu.GdbRescue;
import org.lucos.bridge.watchdog.Ownership;
import org.lucos.bridge.watchdog.PauseWatchdog;

/**
 * The watchdog process: its input and output are the pipes of the controller that started it.
 * Arguments: libvirt URI, domain UUID, gdbstub socket, silence limit in milliseconds.
 */
public final class PauseWatchdogMain {
  private PauseWatchdogMain() {}

  /** Runs until the controller has ended and the guest is in order. */
  public static void main(String[] arguments) {
    PrintStream answers = System.out;
    System.setOut(System.err); // the answers are a protocol: nothing else may get in between
    String uri = arguments[0];
    String domain = arguments[1];
    Path socket = Path.of(arguments[2]);
    Duration silenceLimit = Duration.ofMillis(Long.parseLong(arguments[3]));
    Supplier<DomainControl> control = () -> new OwnedControl(uri, domain);
    PauseWatchdog watchdog =
        new PauseWatchdog(
            new GdbRescue(socket, GdbRescue.port(control, socket), System.err),
            silenceLimit,
            System.err,
            System::nanoTime);
    BufferedReader orders =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII));
    // Not ready before the watchdog of a controller that died has closed its port and ended.
    try {
      Ownership.during(socket, () -> watchdog.run(orders, answers));
    } catch (IOException e) {
      System.err.println("lucos watchdog: cannot own the debug port: " + e);
      System.exit(1);
    }
  }
}
