package org.lucos.tests.live;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.lucos.tests.guest.Guest;
import org.lucos.tests.guest.Repository;
import org.lucos.tests.guest.TestGuest;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Many applies and reverts, one after another, by one controller in one guest under load, leave
 * nothing behind in either. {@code -Dlucos.cycles} says how many; without it, as many as fit into
 * some 20 seconds. The series is in {@code tests/target/soak/cycles.csv}.
 */
class CyclesTest {
  private static final Logger LOG = LoggerFactory.getLogger(CyclesTest.class);
  private static final Path REPORT = Repository.root().resolve("tests/target/soak");
  private static final int ASKED = Integer.getInteger("lucos.cycles", 0);
  private static final Duration USUAL = Duration.ofSeconds(20);
  private static final int AT_LEAST = 4;
  private static final int MOST_SAMPLES = 200;
  private static final List<Mechanism> PATCHES =
      List.of(Mechanism.CMDLINE, Mechanism.LSEEK, Mechanism.GETSOCKNAME);

  /**
   * What each may grow by, however many cycles there are: noise of the load, of the collector and
   * of the code that the JVM compiles; a quarter of a thousand cycles that each leave a page, or a
   * quarter of ten that each leave a mapping, is more. What the controller has resident is only
   * written down: here it is that of a JVM with many other tests, whose heap comes and goes.
   */
  private static final Map<String, Long> ALLOWED =
      Map.ofEntries(
          Map.entry("guest used kB", 8L << 10),
          Map.entry("guest slab kB", 1536L),
          Map.entry("guest vmalloc areas", 3L),
          Map.entry("guest modules", 0L),
          Map.entry("guest processes", 4L),
          Map.entry("guest files", 64L),
          Map.entry("controller heap kB", 6L << 10),
          Map.entry("controller files", 2L),
          Map.entry("controller sockets", 0L),
          Map.entry("controller threads", 3L),
          Map.entry("controller processes", 0L),
          Map.entry("journals", 0L),
          Map.entry("operations begun", 0L));

  @Test
  void appliesAndRevertsLeaveNothingBehind(@Guest(vcpus = 2) TestGuest guest) throws IOException {
    Operator operator = new Operator(guest);
    List<Path> bundles = PATCHES.stream().map(patch -> operator.bundle(patch.recipe())).toList();
    List<String> functions = PATCHES.stream().map(Mechanism::function).toList();
    Map<String, String> before = operator.text(functions);
    guest.markKernelLog();
    Growth growth = new Growth(REPORT, "cycles");
    int every = Math.max(1, ASKED / MOST_SAMPLES);
    int cycles = 0;
    long start = System.nanoTime();
    try (Load load = new Load(guest)) {
      while (goesOn(cycles, start)) {
        Mechanism patch = PATCHES.get(cycles % PATCHES.size());
        operator.apply(bundles.get(cycles % bundles.size()), Operator.PATIENCE);
        patch.assertSeen(guest);
        operator.revert(patch.recipe());
        if (cycles % every == 0) {
          growth.add(cycles, sample(guest, operator.settings().state()));
        }
        if (cycles % 50 == 0) {
          LOG.info("cycle {}: {}", cycles, growth.last());
          load.assertUntroubled();
        }
        cycles++;
      }
      load.assertUntroubled();
    } finally {
      if (!operator.patches().isEmpty()) {
        operator.revertTogether(); // for other tests the guest is as it was before
      }
    }
    long seconds = Duration.ofNanos(System.nanoTime() - start).toSeconds();
    growth.summarise(Map.of("cycles", cycles, "seconds", seconds));
    LOG.info("{} cycles in {} s, grown: {}", cycles, seconds, growth.grown());
    assertThat(operator.modules()).isEmpty();
    assertThat(operator.text(functions)).isEqualTo(before);
    operator.assertSound(0);
    guest.assertNoKernelWarnings();
    growth.assertWithin(ALLOWED);
    // each operation leaves its record, by design
    assertThat(growth.grown().get("records")).isEqualTo(2L * growth.between());
  }

  private static boolean goesOn(int cycles, long start) {
    return ASKED > 0
        ? cycles < ASKED
        : cycles < AT_LEAST || System.nanoTime() - start < USUAL.toNanos();
  }

  private static Map<String, Long> sample(TestGuest guest, Path state) throws IOException {
    Map<String, Long> sample = new LinkedHashMap<>();
    // Stacks of threads are areas too, and come and go with the load.
    String[] figures =
        guest
            .run(
                "awk '/^(MemTotal|MemAvailable|SUnreclaim):/ { print $2 }' /proc/meminfo;"
                    + " grep -vc -e dup_task -e copy_process -e kernel_clone -e unpurged"
                    + " /proc/vmallocinfo;"
                    + " wc -l </proc/modules; ls -d /proc/[0-9]* | wc -l;"
                    + " cut -f 1 /proc/sys/fs/file-nr")
            .split("\\s+");
    long[] guests = Stream.of(figures).mapToLong(Long::parseLong).toArray();
    sample.put("guest used kB", guests[0] - guests[1]);
    sample.put("guest slab kB", guests[2]);
    sample.put("guest vmalloc areas", guests[3]);
    sample.put("guest modules", guests[4]);
    sample.put("guest processes", guests[5]);
    sample.put("guest files", guests[6]);
    System.gc();
    sample.put(
        "controller heap kB",
        ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed() / 1024);
    for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
      if (line.startsWith("VmRSS:")) {
        sample.put("controller resident kB", Long.parseLong(line.replaceAll("\\D", "")));
      }
    }
    List<String> open = openFiles();
    sample.put("controller files", (long) open.size());
    sample.put("controller sockets", open.stream().filter(f -> f.startsWith("socket:")).count());
    sample.put("controller threads", (long) ManagementFactory.getThreadMXBean().getThreadCount());
    sample.put("controller processes", ProcessHandle.current().descendants().count());
    sample.put("journals", filesBelow(state.resolve("journal")));
    sample.put("operations begun", filesBelow(state.resolve("audit.begun")));
    sample.put("records", filesBelow(state.resolve("operations")));
    return sample;
  }

  private static List<String> openFiles() throws IOException {
    try (Stream<Path> links = Files.list(Path.of("/proc/self/fd"))) {
      return links.flatMap(link -> target(link).stream()).toList();
    }
  }

  private static Optional<String> target(Path link) {
    try {
      return Optional.of(Files.readSymbolicLink(link).toString());
    } catch (NoSuchFileException e) {
      return Optional.empty(); // closed meanwhile
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static long filesBelow(Path folder) throws IOException {
    if (!Files.isDirectory(folder)) {
      return 0;
    }
    try (Stream<Path> files = Files.walk(folder)) {
      return files.filter(Files::isRegularFile).count();
    }
  }
}
