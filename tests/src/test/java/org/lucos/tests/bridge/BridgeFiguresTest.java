package org.lucos.tests.bridge;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.lucos.bridge.addr.GuestPhysicalAddress;
import org.lucos.bridge.domain.GuestDomain;
import org.lucos.bridge.domain.GuestHost;
import org.lucos.bridge.domain.PauseLog;
import org.lucos.bridge.domain.PausedGuest;
import org.lucos.bridge.memory.MemoryRegion;
import org.lucos.bridge.memory.PhysicalMemory;
import org.lucos.tests.guest.Contract;
import org.lucos.tests.guest.Guest;
import org.lucos.tests.guest.Place;
import org.lucos.tests.guest.TestGuest;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Measures the bridge and prints what it found; fails only where something is quite wrong. */
@Tag(Contract.FIGURES)
class BridgeFiguresTest {
  private static final Logger LOG = LoggerFactory.getLogger(BridgeFiguresTest.class);
  private static final int ROUNDS = 200;

  @Test
  void figures(@Guest(vcpus = 2) TestGuest guest) {
    for (int i = 0; i < 3; i++) {
      long start = System.nanoTime();
      GuestHost host = Place.current().open();
      GuestDomain domain = host.attach(guest.name());
      LOG.info("connect and attach: {} ms", (System.nanoTime() - start) / 1_000_000);
      domain.close();
      host.close();
    }
    try (GuestHost host = Place.current().open();
        GuestDomain domain = host.attach(guest.name())) {
      bulk(domain.memory());
      pages(domain.memory());
      pauses(domain);
    }
  }

  private static void bulk(PhysicalMemory memory) {
    byte[] chunk = new byte[16 << 20];
    long best = Long.MAX_VALUE;
    long total = memory.regions().stream().mapToLong(MemoryRegion::size).sum();
    for (int i = 0; i < 5; i++) {
      long start = System.nanoTime();
      for (MemoryRegion region : memory.regions()) {
        for (long at = 0; at < region.size(); at += chunk.length) {
          int length = (int) Math.min(chunk.length, region.size() - at);
          memory.read(region.start().plus(at), chunk, 0, length);
        }
      }
      best = Math.min(best, System.nanoTime() - start);
    }
    LOG.info("bulk read: {} GB/s", Math.round(total * 10.0 / best) / 10.0);
    assertThat(best).isLessThan(Duration.ofSeconds(5).toNanos());
  }

  private static void pages(PhysicalMemory memory) {
    byte[] page = new byte[4096];
    GuestPhysicalAddress start = memory.regions().get(memory.regions().size() - 1).start();
    int count = 50_000;
    long before = System.nanoTime();
    for (int i = 0; i < count; i++) {
      memory.read(start.plus(i % 10_000 * 4096L), page, 0, page.length);
    }
    LOG.info("page by page: {} ns each", (System.nanoTime() - before) / count);
  }

  private static void pauses(GuestDomain domain) {
    GuestPhysicalAddress spare = LinuxView.find(domain).spare();
    byte[] bytes = new byte[16];
    domain.memory().read(spare, bytes, 0, bytes.length);
    byte[] half = Arrays.copyOf(bytes, 8);
    byte[] otherHalf = Arrays.copyOfRange(bytes, 8, 16);
    List<PausedGuest.Edit> edits =
        List.of(
            new PausedGuest.Edit(spare, half, half),
            new PausedGuest.Edit(spare.plus(8), otherHalf, otherHalf));
    long acknowledgements = 0;
    for (int i = 0; i < ROUNDS; i++) {
      domain.pause("empty").close();
      try (PausedGuest held = domain.pause("registers")) {
        assertThat(held.registers()).hasSize(2);
      }
      try (PausedGuest held = domain.pause("two writes")) {
        held.writeAll(edits);
        long start = System.nanoTime();
        held.commit();
        acknowledgements += System.nanoTime() - start;
      }
    }
    report(domain.pauses(), "connect");
    report(domain.pauses(), "empty");
    report(domain.pauses(), "registers");
    report(domain.pauses(), "two writes");
    LOG.info("watchdog acknowledges in {} us", acknowledgements / ROUNDS / 1000);
  }

  private static void report(PauseLog log, String purpose) {
    List<Long> micros =
        log.entries().stream()
            .filter(entry -> entry.purpose().equals(purpose))
            .map(entry -> entry.duration().toNanos() / 1000)
            .sorted()
            .toList();
    LOG.info(
        "pause '{}': median {} us, p99 {} us, of {}",
        purpose,
        micros.get(micros.size() / 2),
        micros.get(micros.size() * 99 / 100),
        micros.size());
    assertThat(micros.get(micros.size() / 2)).isLessThan(1_000_000);
  }
}
