package org.lucos.tests.build;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.lucos.patcher.build.PatchVariant.SymbolReference;
import org.lucos.patcher.build.diff.Extraction;
import org.lucos.patcher.build.diff.PatchImage;

/** What comparing and extracting must do with every supported kernel's own files. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@SuppressWarnings("NullAway.Init") // set by prepare(), before the first test
abstract class KernelObjectsContract {
  private static final String LIST = "kernel-objects.txt";
  private static final String DEFAULT_COUNT = "12";

  @TempDir private static Path folder;

  private final String series;
  private KernelSource source;

  KernelObjectsContract(String series) {
    this.series = series;
  }

  @BeforeAll
  void prepare() {
    source = KernelSource.newest(series, folder);
  }

  @AfterAll
  void emptyFolder() {
    BuildHost.empty(folder);
  }

  /** {@code -Dlucos.objects=}: how many, {@code all}, or names with commas between them. */
  private static List<String> sample() throws IOException {
    String wanted = System.getProperty("lucos.objects", DEFAULT_COUNT);
    List<String> all;
    try (InputStream list =
        Objects.requireNonNull(KernelObjectsContract.class.getResourceAsStream(LIST))) {
      all = new String(list.readAllBytes(), StandardCharsets.UTF_8).lines().toList();
    }
    assertThat(all).hasSize(200).doesNotHaveDuplicates();
    if (wanted.equals("all")) {
      return all;
    }
    if (!wanted.matches("\\d+")) {
      return List.of(wanted.split(",", -1));
    }
    int count = Integer.parseInt(wanted);
    return IntStream.range(0, count).mapToObj(i -> all.get(i * all.size() / count)).toList();
  }

  @Test
  void aLineMoreInAnyObjectChangesNothing() throws Exception {
    List<String> files = sample();
    Map<String, String> different = new ConcurrentSkipListMap<>();
    long begun = System.nanoTime();
    ExecutorService workers = Executors.newFixedThreadPool(2);
    try {
      List<Future<?>> comparisons = new ArrayList<>();
      for (String file : files) {
        comparisons.add(
            workers.submit(() -> difference(file).ifPresent(what -> different.put(file, what))));
      }
      for (Future<?> comparison : comparisons) {
        comparison.get();
      }
    } finally {
      workers.shutdownNow();
    }
    long seconds = (System.nanoTime() - begun) / 1_000_000_000;
    System.out.println(
        series
            + ": "
            + files.size()
            + " objects against themselves, "
            + different.size()
            + " differ, "
            + seconds
            + " s");
    assertThat(different).isEmpty();
  }

  private Optional<String> difference(String file) {
    try {
      // as a build does: code may hold the numbers of its lines
      Extraction extraction = source.compile(file, text -> "\n#line 1\n" + text).compare();
      return extraction.isEmpty()
          ? Optional.empty()
          : Optional.of(extraction.replacedFunctions() + " " + extraction.newFunctions());
    } catch (RuntimeException e) {
      return Optional.of(e.toString());
    }
  }

  @Test
  void aChangedSystemCallIsThatSystemCall() {
    Extraction extraction =
        source
            .compile(
                "fs/readdir.c",
                text ->
                    text.replaceFirst("(?s)(SYSCALL_DEFINE3\\(getdents64,.*?)-EBADF", "$1-EPERM"))
            .compare();

    assertThat(extraction.replacedFunctions())
        .isNotEmpty()
        .allMatch(name -> name.contains("getdents64"));
    assertThat(extraction.newFunctions()).isEmpty();
  }

  @Test
  void aNewWarningIsThatFunctionAndThoseThatInlineIt() {
    Extraction extraction =
        source
            .compile(
                "net/ipv4/tcp_input.c",
                text ->
                    text.replace(
                        "void tcp_enter_cwr(struct sock *sk)\n{",
                        "void tcp_enter_cwr(struct sock *sk)\n{\n\tWARN_ON_ONCE(!sk);"))
            .compare();

    assertThat(extraction.replacedFunctions())
        .contains("tcp_enter_cwr")
        .hasSizeLessThan(4)
        .allMatch(name -> name.startsWith("tcp_"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "fs/read_write.c",
        "net/ipv4/tcp_timer.c",
        "net/ipv4/tcp_input.c",
        "net/ipv4/tcp_output.c"
      })
  void theSystemsLinkerFindsTheSameAddresses(String file) throws IOException {
    KernelSource.Pair pair = source.compile(file, KernelSource::everyFunction);
    Extraction extraction = pair.compare();
    PatchImage image = PatchImage.of(List.of(extraction));

    int fields = LinkOracle.check(folder.resolve(file.replace('/', '-')), pair.patched(), image);

    assertThat(extraction.replacedFunctions()).hasSizeGreaterThan(10);
    assertThat(image.references()).extracting(SymbolReference::symbol).doesNotHaveDuplicates();
    assertThat(fields).isGreaterThan(100);
  }
}
