package org.lucos.bridge.xen;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import org.lucos.bridge.addr.GuestPhysicalAddress;
import org.lucos.bridge.domain.DomainIdentity;
import org.lucos.bridge.jna.XenAccess;
import org.lucos.bridge.jna.XenInterface;
import org.lucos.bridge.memory.MemoryRegion;
import org.lucos.bridge.watchdog.Ownership;
import org.lucos.bridge.watchdog.PauseWatchdog;
import org.lucos.bridge.watchdog.WatchdogCommand;

/**
 * The watchdog process over a Xen guest: its input and output are the pipes of the controller that
 * started it. Arguments: the domain's number, UUID and name, the path that stands for it, silence
 * limit in milliseconds.
 */
public final class XenWatchdogMain {
  private XenWatchdogMain() {}

  /** The command line of one. */
  static List<String> command(DomainIdentity domain, Path guard, Duration silenceLimit) {
    return WatchdogCommand.line(
        XenWatchdogMain.class,
        List.of(
            Integer.toString(domain.id()),
            domain.uuid().toString(),
            domain.name(),
            guard.toString(),
            Long.toString(silenceLimit.toMillis())));
  }

  /** Runs until the controller has ended and the guest is in order. */
  public static void main(String[] arguments) {
    PrintStream answers = System.out;
    System.setOut(System.err); // the answers are a protocol: nothing else may get in between
    DomainIdentity identity =
        new DomainIdentity(
            arguments[2], UUID.fromString(arguments[1]), Integer.parseInt(arguments[0]));
    Path guard = Path.of(arguments[3]);
    Duration silenceLimit = Duration.ofMillis(Long.parseLong(arguments[4]));
    // Before it says that it watches: one that cannot reach the hypervisor would be none.
    try (XenAccess xen = XenInterface.open()) {
      XenDomain domain = new XenDomain(DomainControlCall.of(xen), identity);
      XenMemory memory = new XenMemory(xen, identity.id(), anything(), System::nanoTime);
      PauseWatchdog watchdog =
          new PauseWatchdog(
              new XenRescue(domain, memory, guard, System.err),
              silenceLimit,
              System.err,
              System::nanoTime);
      BufferedReader orders =
          new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII));
      Ownership.during(guard, () -> watchdog.run(orders, answers));
    } catch (IOException e) {
      System.err.println("lucos watchdog: cannot own the guest: " + e);
      System.exit(1);
    }
  }

  /** The controller has looked where RAM is; what is not there cannot be mapped either. */
  private static List<MemoryRegion> anything() {
    return List.of(new MemoryRegion(new GuestPhysicalAddress(0), 1L << 52));
  }
}
