package org.lucos.tests.live;

import com.google.common.util.concurrent.Uninterruptibles;
import java.io.IOException;
import java.time.Duration;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.lucos.bench.guest.GapWatch;
import org.lucos.bench.harness.Samples;
import org.lucos.bridge.domain.GuestDomain;
import org.lucos.bridge.domain.GuestHost;
import org.lucos.tests.guest.Contract;
import org.lucos.tests.guest.Guest;
import org.lucos.tests.guest.Place;
import org.lucos.tests.guest.TestGuest;

/** What programs in a guest notice of a pause, in the manner of {@link HostFiguresTest}. */
@Tag(Contract.FIGURES)
class GuestGapFiguresTest {
  private static final int ROUNDS = 5;

  private final Samples samples = new Samples();

  @Test
  void gaps(@Guest(vcpus = 2) TestGuest guest) throws IOException {
    GapWatch watch = GapWatch.start(guest::run);
    String place;
    try (GuestHost host = Place.current().open();
        GuestDomain domain = host.attach(guest.name())) {
      place = domain.facts().hypervisor() + ", " + domain.facts().accelerator();
      for (int i = 0; i < ROUNDS; i++) {
        watched(
            watch,
            "gap in the guest: nothing",
            () -> Uninterruptibles.sleepUninterruptibly(Duration.ofSeconds(1)));
        watched(watch, "... an empty pause", () -> domain.pause("gap").close());
      }
    }
    Operator operator = new Operator(guest);
    for (int i = 0; i < ROUNDS; i++) {
      watched(watch, "... an apply", () -> operator.apply(Mechanism.CMDLINE.recipe()));
      watched(watch, "... a revert", () -> operator.revert(Mechanism.CMDLINE.recipe()));
    }
    Figures.say(place, samples, "gaps.tsv");
  }

  private void watched(GapWatch watch, String name, Runnable work) {
    samples.add("", name, watch.around(work));
  }
}
