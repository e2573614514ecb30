package org.lucos.bench.scenario;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
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
  private static final String GROUP = "idle";
  private static final String COLD = "attach, cold";
  private static final String CACHED = "attach, cached";
  private static final String TASKS = "list all tasks";
  private static final String READ = "read 64 MiB";
  private static final String COPY = "copy 64 MiB";

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
    Samples samples = recording.samples();
    progress.accept("booting a guest");
    try (ScenarioGuest guest = ScenarioGuest.boot(setting, "attach", List.of(), Optional.empty())) {
      Path cache = Inputs.created(setting.work().resolve("attach-cache"));
      byte[] from = new byte[BULK];
      byte[] into = new byte[BULK];
      round(setting, guest, cache, from, into, new Samples()); // warms up
      for (int round = 0; round < setting.rounds(); round++) {
        round(setting, guest, cache, from, into, samples);
        progress.accept("round " + (round + 1) + " of " + setting.rounds());
      }
      return recording.end(this, List.of(guest.facts()), ratios(samples));
    }
  }

  private static void round(
      Setting setting, ScenarioGuest guest, Path cache, byte[] from, byte[] into, Samples samples) {
    empty(cache);
    attach(setting, guest, cache, COLD, samples);
    attach(setting, guest, cache, CACHED, samples);
    MemoryRegion ram =
        guest.domain().memory().regions().stream()
            .max(Comparator.comparingLong(MemoryRegion::size))
            .orElseThrow();
    long start = System.nanoTime();
    guest.domain().memory().read(ram.start(), into, 0, BULK);
    samples.add(GROUP, READ, since(start));
    start = System.nanoTime();
    System.arraycopy(into, 0, from, 0, BULK);
    samples.add(GROUP, COPY, since(start));
  }

  /** With a connection of its own each time, as a command has. */
  private static void attach(
      Setting setting, ScenarioGuest guest, Path cache, String name, Samples samples) {
    try (Hypervisor hypervisor = Hypervisor.open(setting.settings().connection());
        GuestDomain domain = hypervisor.attach(guest.name())) {
      long start = System.nanoTime();
      RunningKernel kernel = RunningKernel.attach(domain, cache);
      samples.add(GROUP, name, since(start));
      start = System.nanoTime();
      kernel.tasks().all();
      samples.add(GROUP, TASKS, since(start));
    }
  }

  private static void empty(Path cache) {
    try (Stream<Path> files = Files.list(cache)) {
      for (Path file : files.toList()) {
        Files.delete(file);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static long since(long start) {
    return (System.nanoTime() - start) / 1000;
  }

  private static List<String> ratios(Samples samples) {
    return List.of(
        String.format(
            Locale.ROOT,
            "attach, medians: cold %.1f ms (promised: at most 300), cached %.1f ms (promised: at"
                + " most 5)",
            samples.of(GROUP, COLD).median() / 1e3,
            samples.of(GROUP, CACHED).median() / 1e3),
        String.format(
            Locale.ROOT,
            "bytes read / bytes copied in the same time, medians: %.2f (promised: at least 0.80)",
            (double) samples.of(GROUP, COPY).median()
                / Math.max(1, samples.of(GROUP, READ).median())));
  }
}
