package org.lucos.tests.faults;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.lucos.bridge.addr.AddressOutOfRangeException;
import org.lucos.bridge.addr.AddressRange;
import org.lucos.bridge.domain.DomainRefusedException;
import org.lucos.bridge.domain.GuestDomain;
import org.lucos.bridge.libvirt.Hypervisor;
import org.lucos.bridge.memory.MemoryFaultException;
import org.lucos.bridge.memory.MemoryRegion;
import org.lucos.patcher.bytes.MalformedDataException;
import org.lucos.patcher.consistency.NamedRange;
import org.lucos.patcher.consistency.StackChecker;
import org.lucos.patcher.health.LogClassifier;
import org.lucos.patcher.kernel.LoadedModule;
import org.lucos.patcher.kernel.RunningKernel;
import org.lucos.patcher.refusal.RefusedException;
import org.lucos.patcher.transaction.GuestPatch;
import org.lucos.tests.guest.Guest;
import org.lucos.tests.guest.TestGuest;
import org.lucos.tests.live.Bundles;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A guest's memory is recorded while its kernel is looked at, and then lies in ever new ways: each
 * time the look ends, with what it found or with a typed failure. For longer runs: {@code
 * -Dlucos.fuzz.seconds}; for one seed: {@code -Dlucos.fuzz.seed}.
 */
class HostileGuestTest {
  private static final Logger LOG = LoggerFactory.getLogger(HostileGuestTest.class);
  private static final Duration LIMIT = Duration.ofSeconds(60);
  private static final int AT_LEAST = 20;

  @TempDir Path scratch;

  @Test
  void whateverAGuestsMemoryHoldsTheLookAtItEnds(@Guest TestGuest guest) throws Exception {
    Path warm = Files.createDirectories(scratch.resolve("warm"));
    Path cold = Files.createDirectories(scratch.resolve("cold"));
    Map<Long, byte[]> pages;
    List<Long> walked;
    List<MemoryRegion> regions;
    try (Hypervisor hypervisor = Hypervisor.open(Bundles.settings().connection());
        GuestDomain domain = hypervisor.attach(guest.name())) {
      RunningKernel.attach(domain, warm); // finds the place to look at: no scan is recorded
      copyHint(warm, cold);
      RecordedMemory attaching = new RecordedMemory(domain.memory());
      RunningKernel.attach(new LyingGuest(domain, attaching), cold); // symbols and types
      RecordedMemory walking = new RecordedMemory(domain.memory());
      look(RunningKernel.attach(new LyingGuest(domain, walking), warm));
      pages = new TreeMap<>(attaching.pages());
      pages.putAll(walking.pages());
      walked = List.copyOf(walking.pages().keySet());
      regions = domain.memory().regions();
      Map<String, Integer> outcomes = new TreeMap<>();
      List<String> wrong = new ArrayList<>();
      long one = Long.getLong("lucos.fuzz.seed", -1);
      long end =
          System.nanoTime() + Duration.ofSeconds(Long.getLong("lucos.fuzz.seconds", 40)).toNanos();
      long seed = one < 0 ? 0 : one;
      ExecutorService threads = Executors.newCachedThreadPool(HostileGuestTest::daemon);
      do {
        boolean fromCache = seed % 4 != 0;
        Path cache = Files.createDirectories(scratch.resolve("cache-" + seed));
        copyAll(fromCache ? warm : cold, cache, fromCache);
        HostileMemory memory = new HostileMemory(regions, pages, walked, seed);
        String outcome = outcome(threads, new LyingGuest(domain, memory), cache);
        outcomes.merge(outcome.split(":", 2)[0], 1, Integer::sum);
        if (outcome.startsWith("WRONG")) {
          wrong.add("seed " + seed + ": " + outcome);
        }
        seed++;
      } while (one < 0 && (seed < AT_LEAST || System.nanoTime() < end));
      threads.shutdownNow();
      LOG.info(
          "{} pages recorded, {} of walks; {} seeds: {}",
          pages.size(),
          walked.size(),
          seed,
          outcomes);
      assertThat(wrong).isEmpty();
      assertThat(outcomes.keySet()).as("lies are noticed").hasSizeGreaterThan(1);
    }
  }

  private static void look(RunningKernel kernel) {
    for (LoadedModule module : kernel.modules()) {
      kernel.exports(module);
    }
    kernel.tasks().all();
    GuestPatch.all(kernel);
    kernel.loaderPolicy();
    kernel.kprobes();
    new LogClassifier().add(kernel.log().read(0, 10_000).records());
    kernel.condition();
    kernel.scheduler().queues();
    kernel.scheduler().since(kernel.tasks().all());
    AddressRange text = kernel.symbols().range(kernel.symbols().all("do_idle").get(0));
    new StackChecker(kernel).prepare(List.of(new NamedRange("do_idle", text))).survey();
  }

  private static String outcome(ExecutorService threads, GuestDomain guest, Path cache)
      throws InterruptedException {
    Future<?> run = threads.submit(() -> look(RunningKernel.attach(guest, cache)));
    try {
      run.get(LIMIT.toSeconds(), TimeUnit.SECONDS);
      return "as if nothing were";
    } catch (TimeoutException e) {
      return "WRONG: does not end";
    } catch (ExecutionException e) {
      Throwable failure = e.getCause();
      if (failure instanceof RefusedException
          || failure instanceof DomainRefusedException
          || failure instanceof MalformedDataException
          || failure instanceof MemoryFaultException
          || failure instanceof AddressOutOfRangeException) {
        return failure.getClass().getSimpleName();
      }
      StackTraceElement[] trace =
          failure == null ? new StackTraceElement[0] : failure.getStackTrace();
      List<String> places = new ArrayList<>();
      for (StackTraceElement element : trace) {
        if (places.size() < 6 && element.getClassName().startsWith("org.lucos.")) {
          places.add(element.toString());
        }
      }
      return "WRONG: " + failure + " " + places;
    }
  }

  private static Thread daemon(Runnable work) {
    Thread thread = new Thread(work, "hostile-guest");
    thread.setDaemon(true);
    return thread;
  }

  private static void copyHint(Path from, Path to) throws IOException {
    copyAll(from, to, false);
  }

  private static void copyAll(Path from, Path to, boolean kernelToo) throws IOException {
    try (var files = Files.list(from)) {
      for (Path file : files.toList()) {
        if (kernelToo || file.toString().endsWith(".hint")) {
          Files.copy(file, to.resolve(String.valueOf(file.getFileName())));
        }
      }
    }
  }
}
