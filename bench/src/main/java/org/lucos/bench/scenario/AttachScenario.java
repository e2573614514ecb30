package org.lucos.bench.scenario;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.lucos.bench.harness.Recording;
import org.lucos.bench.harness.Result;
import org.lucos.bench.harness.Samples;
import org.lucos.bench.harness.Scenario;
import org.lucos.bench.harness.Setting;
import org.lucos.bridge.domain.GuestDomain;
import org.lucos.bridge.libvirt.Hypervisor;
import org.lucos.bridge.memory.MemoryRegion;
import org.lucos.patcher.kernel.RunningKernel;

/**
 * Finding a guest's kernel for the first time and again, all its tasks, and reading its memory
 * beside copying as much of our own.
 */
public final class AttachScenario implements Scenario {
  private static final int BULK = 64 << 20;
  private static final int USUAL_MIB = 768;
  private static final int LARGE_MIB = 8192;
  private static final String COLD = "attach, cold";
  private static final String CACHED = "attach, cached";
  private static final String TASKS = "list all tasks";
  private static final String READ = "read 64 MiB";
  private static final String COPY = "copy 64 MiB";

  private final List<Integer> sizes;

  private AttachScenario(List<Integer> sizes) {
    this.sizes = List.copyOf(sizes);
  }

  /** With a small guest and one of 8 GiB, in turn. */
  public static AttachScenario whole() {
    return new AttachScenario(List.of(USUAL_MIB, LARGE_MIB));
  }

  /** With a small guest. */
  public static AttachScenario small() {
    return new AttachScenario(List.of(USUAL_MIB));
  }

  @Override
  public String name() {
    return "attach";
  }

  @Override
  public String description() {
    return "finding the kernel, cold and cached; reading memory beside copying it";
  }

  @Override
  public Result run(Setting setting, Consumer<String> progress) {
    Recording recording = Recording.begin(setting);
    List<ScenarioGuest> guests = new ArrayList<>();
    try {
      for (int mebibytes : sizes) {
        progress.accept("booting a guest of " + group(mebibytes));
        guests.add(ScenarioGuest.bootOfSize(setting, "attach-" + mebibytes, mebibytes));
      }
      new Turns(setting, guests).run(recording.samples(), progress);
      return recording.end(
          this,
          guests.stream().map(ScenarioGuest::facts).toList(),
          sizes.stream().flatMap(size -> ratios(group(size), recording.samples())).toList());
    } finally {
      guests.forEach(ScenarioGuest::close);
    }
  }

  private static String group(int mebibytes) {
    return mebibytes + " MiB";
  }

  /** The guests, in the order of their sizes. */
  private final class Turns {
    private final Setting setting;
    private final List<ScenarioGuest> guests;
    private final Path cache;
    private final byte[] from = new byte[BULK];
    private final byte[] into = new byte[BULK];

    Turns(Setting setting, List<ScenarioGuest> guests) {
      this.setting = setting;
      this.guests = guests;
      this.cache = Inputs.created(setting.work().resolve("attach-cache"));
    }

    void run(Samples samples, Consumer<String> progress) {
      round(new Samples()); // warms up
      for (int round = 0; round < setting.rounds(); round++) {
        round(samples);
        progress.accept("round " + (round + 1) + " of " + setting.rounds());
      }
    }

    private void round(Samples samples) {
      for (int i = 0; i < guests.size(); i++) {
        String group = group(sizes.get(i));
        empty(cache);
        attach(guests.get(i), samples, group, COLD);
        attach(guests.get(i), samples, group, CACHED);
        read(guests.get(i), samples, group);
      }
    }

    /** With a connection of its own each time, as a command has. */
    private void attach(ScenarioGuest guest, Samples samples, String group, String name) {
      try (Hypervisor hypervisor = Hypervisor.open(setting.settings().connection());
          GuestDomain domain = hypervisor.attach(guest.name())) {
        long start = System.nanoTime();
        RunningKernel kernel = RunningKernel.attach(domain, cache);
        samples.add(group, name, since(start));
        start = System.nanoTime();
        kernel.tasks().all();
        samples.add(group, TASKS, since(start));
      }
    }

    private void read(ScenarioGuest guest, Samples samples, String group) {
      MemoryRegion ram =
          guest.domain().memory().regions().stream()
              .max(Comparator.comparingLong(MemoryRegion::size))
              .orElseThrow();
      long start = System.nanoTime();
      guest.domain().memory().read(ram.start(), into, 0, BULK);
      samples.add(group, READ, since(start));
      start = System.nanoTime();
      System.arraycopy(into, 0, from, 0, BULK);
      samples.add(group, COPY, since(start));
    }
  }

  private static void empty(Path cache) {
    try {
      for (Path file : Inputs.children(cache)) {
        Files.delete(file);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static long since(long start) {
    return (System.nanoTime() - start) / 1000;
  }

  private static Stream<String> ratios(String group, Samples samples) {
    return Stream.of(
        String.format(
            Locale.ROOT,
            "%s: attach, medians: cold %.1f ms (promised: at most 300), cached %.1f ms (promised:"
                + " at most 5)",
            group,
            samples.of(group, COLD).median() / 1e3,
            samples.of(group, CACHED).median() / 1e3),
        String.format(
            Locale.ROOT,
            "%s: bytes read / bytes copied in the same time, medians: %.2f (promised: at least"
                + " 0.80)",
            group,
            (double) samples.of(group, COPY).median()
                / Math.max(1, samples.of(group, READ).median())));
  }
}
