package org.lucos.tests.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.LongStream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.lucos.tests.guest.GuestSpec;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Measures and prints what it found; fails only where something is quite wrong. */
class KernelFiguresTest {
  private static final Logger LOG = LoggerFactory.getLogger(KernelFiguresTest.class);
  private static final Pattern RESULT = Pattern.compile("attach=(\\d+) tasks=(\\d+) of (\\d+)");
  private static final int PROCESSES = 5;
  private static final int WALKS = 50;

  @TempDir private Path folder;

  @ParameterizedTest
  @ValueSource(strings = {"6.1", "6.12"})
  void figures(String series) throws Exception {
    GuestSpec spec = GuestSpec.cloud(series).withVcpus(2);
    try (AttachedGuest attached = AttachedGuest.boot(spec, folder.resolve("own"))) {
      long[] cold = new long[PROCESSES];
      long[] cached = new long[PROCESSES];
      for (int i = 0; i < PROCESSES; i++) {
        Path cache = Files.createDirectory(folder.resolve("cache" + i));
        cold[i] = inFreshProcess(attached.guest().name(), cache);
        cached[i] = inFreshProcess(attached.guest().name(), cache);
      }
      LOG.info("{}: attach in a fresh process: cold {} us", series, Arrays.toString(cold));
      LOG.info("{}: attach in a fresh process: cached {} us", series, Arrays.toString(cached));
      assertThat(LongStream.of(cached).min().orElseThrow())
          .isLessThan(LongStream.of(cold).max().orElseThrow());
      walk(attached, series, 100);
      walk(attached, series, 900);
      walk(attached, series, 1500);
    }
  }

  private static void walk(AttachedGuest attached, String series, int more) {
    attached.guest().run("threads " + more + " >/tmp/threads.out 2>&1 &");
    attached.guest().run("while ! grep -q ready /tmp/threads.out; do sleep 0.1; done");
    long[] took = new long[WALKS];
    int tasks = 0;
    for (int i = 0; i < WALKS; i++) {
      long start = System.nanoTime();
      tasks = attached.kernel().tasks().all().size();
      took[i] = (System.nanoTime() - start) / 1000;
    }
    Arrays.sort(took);
    LOG.info(
        "{}: {} tasks read in {} us (median), {} us (worst)",
        series,
        tasks,
        took[WALKS / 2],
        took[WALKS - 1]);
    assertThat(took[WALKS / 2]).isLessThan(2_000_000);
  }

  private static long inFreshProcess(String domain, Path cache) throws IOException {
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-cp",
                System.getProperty("java.class.path"),
                AttachOnce.class.getName(),
                domain,
                cache.toString())
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    String output =
        new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
    Matcher result = RESULT.matcher(output);
    assertThat(result.find()).as(output).isTrue();
    LOG.info("fresh process: {}", result.group());
    return Long.parseLong(result.group(1));
  }
}
