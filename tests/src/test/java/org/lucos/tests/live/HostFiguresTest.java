package org.lucos.tests.live;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.lucos.bench.harness.Samples;
import org.lucos.bridge.domain.GuestDomain;
import org.lucos.bridge.domain.GuestHost;
import org.lucos.bridge.domain.PauseLog;
import org.lucos.bridge.domain.PausedGuest;
import org.lucos.bridge.memory.MemoryRegion;
import org.lucos.bridge.memory.PhysicalMemory;
import org.lucos.patcher.kernel.RunningKernel;
import org.lucos.tests.guest.Contract;
import org.lucos.tests.guest.Guest;
import org.lucos.tests.guest.Place;
import org.lucos.tests.guest.TestGuest;

/**
 * What a hypervisor costs: printed for {@code tests/hosts.sh --figures}, which sets hosts side by
 * side. It fails only where something does not work.
 */
@Tag(Contract.FIGURES)
class HostFiguresTest {
  private static final int ATTACHES = 4;
  private static final int PAUSES = 100;
  private static final int PATCHES = 5;
  private static final int BULK = 64 << 20;

  private final Samples samples = new Samples();

  @Test
  void figures(@Guest(vcpus = 2) TestGuest guest, @TempDir Path work) throws IOException {
    String accelerator;
    try (GuestHost host = Place.current().open();
        GuestDomain domain = host.attach(guest.name())) {
      accelerator = domain.facts().hypervisor() + ", " + domain.facts().accelerator();
      attach(domain, work);
      read(domain.memory());
      pause(domain);
    }
    patch(guest);
    Figures.say(accelerator, samples, "figures.tsv");
  }

  private void attach(GuestDomain domain, Path work) throws IOException {
    for (int i = 0; i < ATTACHES; i++) {
      Path cache = Files.createDirectory(work.resolve("cache" + i));
      RunningKernel.attach(domain, cache);
      if (i == 0) {
        continue; // warms up
      }
      long start = System.nanoTime();
      RunningKernel.attach(domain, cache);
      add("attach, cached", start);
    }
    for (int i = 1; i < ATTACHES; i++) {
      Path cache = Files.createDirectory(work.resolve("cold" + i));
      long start = System.nanoTime();
      RunningKernel.attach(domain, cache);
      add("attach, cold", start);
    }
  }

  private void read(PhysicalMemory memory) {
    byte[] from = new byte[BULK];
    byte[] into = new byte[BULK];
    List<PhysicalMemory.Slice> slices = new ArrayList<>();
    int filled = 0;
    for (MemoryRegion region : memory.regions()) {
      int length = (int) Math.min(region.size(), BULK - filled);
      if (length > 0) {
        slices.add(new PhysicalMemory.Slice(region.start(), into, filled, length));
        filled += length;
      }
    }
    assertThat(filled).isEqualTo(BULK);
    for (int i = 0; i < ATTACHES; i++) {
      long start = System.nanoTime();
      memory.readAll(slices);
      add("read 64 MiB", start);
      start = System.nanoTime();
      System.arraycopy(into, 0, from, 0, BULK);
      add("copy 64 MiB of one's own", start);
    }
  }

  private void pause(GuestDomain domain) {
    for (int i = 0; i < PAUSES; i++) {
      domain.pause("pause, empty").close();
      try (PausedGuest held = domain.pause("pause that reads the registers")) {
        assertThat(held.registers()).hasSize(2);
      }
    }
    for (PauseLog.Entry entry : domain.pauses().entries()) {
      if (entry.purpose().startsWith("pause")) {
        samples.add("", entry.purpose(), entry.duration().toNanos() / 1000);
      }
    }
  }

  private void patch(TestGuest guest) {
    Operator operator = new Operator(guest);
    for (int i = 0; i < PATCHES; i++) {
      double applied = operator.apply(Mechanism.CMDLINE.recipe()).pauseMilliseconds();
      samples.add("", "pause of an apply", Math.round(applied * 1000));
      Mechanism.CMDLINE.assertSeen(guest);
      double reverted = operator.revert(Mechanism.CMDLINE.recipe()).pauseMilliseconds();
      samples.add("", "pause of a revert", Math.round(reverted * 1000));
    }
    assertThat(operator.modules()).isEmpty();
  }

  private void add(String name, long start) {
    samples.add("", name, (System.nanoTime() - start) / 1000);
  }
}
