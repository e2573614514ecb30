package org.lucos.tests.bridge;

import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import org.lucos.bridge.addr.GuestPhysicalAddress;
import org.lucos.bridge.domain.DomainRefusedException;
import org.lucos.bridge.domain.GuestDomain;
import org.lucos.bridge.domain.GuestHost;
import org.lucos.bridge.domain.PausedGuest;
import org.lucos.tests.guest.Place;

/**
 * A controller for tests to kill. Arguments: domain, what to do, then for writing: physical
 * address, bytes before, bytes after. It prints one line when it has done it, and waits.
 */
final class HoldingController {
  private HoldingController() {}

  public static void main(String[] arguments) throws InterruptedException {
    List<String> words = List.of(arguments);
    try (GuestHost host = Place.current().open(Place.current().shortSilence());
        GuestDomain domain = host.attach(words.get(0))) {
      switch (words.get(1)) {
        case "attach" -> say("attached");
        case "rest" -> {
          domain.pause("rest").close();
          hold();
        }
        case "hold", "commit" -> {
          try (PausedGuest guest = domain.pause("hold")) {
            if (words.size() > 2) {
              guest.write(
                  new GuestPhysicalAddress(Long.parseLong(words.get(2), 16)),
                  HexFormat.of().parseHex(words.get(3)),
                  HexFormat.of().parseHex(words.get(4)));
            }
            if (words.get(1).equals("commit")) {
              guest.commit();
            }
            hold();
          }
        }
        default -> throw new IllegalArgumentException(words.get(1));
      }
    } catch (DomainRefusedException e) {
      say("refused " + e.refusal().code() + ": " + e.refusal().message());
    }
  }

  private static void hold() throws InterruptedException {
    say("holding");
    Thread.sleep(Duration.ofMinutes(5).toMillis());
  }

  @SuppressWarnings("SystemOut")
  private static void say(String line) {
    System.out.println(line);
    System.out.flush();
  }
}
