package org.lucos.bench.cli;

import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.lucos.bench.corpus.BuildResult;
import org.lucos.bench.corpus.ChangedFile;
import org.lucos.bench.corpus.Corpus;
import org.lucos.bench.corpus.CorpusRun;
import org.lucos.bench.corpus.LiveRun;
import org.lucos.bench.guest.BootedGuest;
import org.lucos.bench.guest.LiveGuest;
import org.lucos.bench.report.Reports;
import org.lucos.patcher.app.Settings;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code lucos-corpus run}. */
@Command(
    name = "run",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = {
      "Builds a live patch of every file that differs between two kernel source versions.",
      "What is finished is kept in the directory; run it again to go on."
    })
@SuppressWarnings("NullAway.Init") // picocli sets the fields
final class RunCommand implements Callable<Integer> {
  @Option(
      names = "--from",
      required = true,
      paramLabel = "VERSION",
      description = "the older Debian source version, such as 6.1.176-1")
  private String from;

  @Option(
      names = "--to",
      required = true,
      paramLabel = "VERSION",
      description = "the newer one, of the same series")
  private String to;

  @Option(
      names = "--flavour",
      paramLabel = "F",
      defaultValue = "cloud-amd64",
      description = "the kernel's flavour (default: ${DEFAULT-VALUE})")
  private String flavour;

  @Option(
      names = {"-o", "--output"},
      required = true,
      paramLabel = "DIR",
      description = "where results go, and where those of an earlier run are")
  private Path directory;

  @Option(
      names = "--only",
      paramLabel = "GLOB",
      description = "only files whose path matches, such as 'net/ipv4/**' or '**.c'")
  private @Nullable String only;

  @Option(
      names = "--sample",
      paramLabel = "N",
      description = "only so many of them, chosen by chance")
  private @Nullable Integer sample;

  @Option(
      names = "--seed",
      paramLabel = "S",
      defaultValue = "1",
      description = "makes the choice; the same seed chooses the same files")
  private long seed;

  @Option(
      names = "--workers",
      paramLabel = "N",
      defaultValue = "2",
      description = "builds at a time (default: ${DEFAULT-VALUE})")
  private int workers;

  @Option(
      names = "--limit",
      paramLabel = "SECONDS",
      defaultValue = "600",
      description = "how long one build may take (default: ${DEFAULT-VALUE})")
  private long limit;

  @Option(
      names = "--max-objects",
      paramLabel = "N",
      defaultValue = "300",
      description =
          "how many objects one build may compile because of headers (default: ${DEFAULT-VALUE})")
  private int maxObjects;

  @Option(
      names = "--redo",
      paramLabel = "WHAT",
      split = ",",
      description =
          "try again what ended so: built, no_change, not_built_here, refused, failed, or a"
              + " refusal's code; repeatable")
  private final Set<String> redo = new LinkedHashSet<>();

  @Option(names = "--build-only", description = "apply nothing")
  private boolean buildOnly;

  @Option(
      names = "--apply-only",
      description = "build nothing: apply what an earlier run has built")
  private boolean applyOnly;

  @Option(
      names = "--guest",
      paramLabel = "NAME",
      description =
          "apply in this guest of vm-images/boot.sh, which has /bin/syscall_load, instead of"
              + " booting some")
  private @Nullable String guest;

  @Option(
      names = "--vcpus",
      paramLabel = "N",
      defaultValue = "2",
      description = "of guests that are booted (default: ${DEFAULT-VALUE})")
  private int vcpus;

  @Option(
      names = "--batch",
      paramLabel = "N",
      defaultValue = "10",
      description = "patches in a guest at a time (default: ${DEFAULT-VALUE})")
  private int batch;

  @Option(
      names = "--again",
      description = "apply again what was applied without success, or not cleanly")
  private boolean again;

  @Option(
      names = {"-j", "--json"},
      description = "print the figures as JSON")
  private boolean json;

  @Override
  public Integer call() {
    Settings settings = Settings.from(System.getenv(), Optional.empty());
    PrintWriter err = new PrintWriter(System.err, true, StandardCharsets.UTF_8);
    try (TerminalCorpusProgress progress = new TerminalCorpusProgress(err, onTerminal())) {
      CorpusRun run = new CorpusRun(settings.cache(), directory, progress);
      Corpus corpus = run.split(from, to, flavour);
      Corpus.Choice choice =
          new Corpus.Choice(Optional.ofNullable(only), Optional.ofNullable(sample), seed);
      if (!applyOnly) {
        CorpusRun.Limits limits =
            new CorpusRun.Limits(workers, Duration.ofSeconds(limit), maxObjects);
        run.build(corpus, corpus.chosen(choice), wanted(), seed, limits);
      }
      if (!buildOnly) {
        apply(settings, corpus, choice, progress);
      }
      Reports.write(directory, corpus.from() + " to " + corpus.to() + ", " + corpus.release());
    }
    return CorpusOutput.print(directory, json);
  }

  private void apply(
      Settings settings, Corpus corpus, Corpus.Choice choice, TerminalCorpusProgress progress) {
    Path home = Path.of(System.getenv().getOrDefault("LUCOS_HOME", "."));
    Path scripts = home.resolve("vm-images").toAbsolutePath();
    Function<List<String>, LiveGuest> boot =
        modules ->
            guest != null
                ? BootedGuest.existing(scripts, guest)
                : BootedGuest.boot(
                    scripts,
                    "lucos-corpus-" + ProcessHandle.current().pid(),
                    List.of("--release", corpus.release()),
                    vcpus,
                    modules,
                    List.of(scripts.resolve("programs/syscall_load.c")),
                    directory);
    Set<String> chosen =
        corpus.chosen(choice).stream().map(ChangedFile::path).collect(Collectors.toSet());
    List<BuildResult> built =
        CorpusRun.builds(directory).entries().values().stream()
            .filter(r -> r.outcome() == BuildResult.Outcome.BUILT && chosen.contains(r.path()))
            .toList();
    try (LiveRun live = new LiveRun(settings, directory, boot, progress)) {
      live.run(built, batch, again);
    }
  }

  private CorpusRun.Redo wanted() {
    Set<BuildResult.Outcome> outcomes = new LinkedHashSet<>();
    Set<String> codes = new LinkedHashSet<>();
    for (String word : redo) {
      Optional<BuildResult.Outcome> outcome =
          java.util.Arrays.stream(BuildResult.Outcome.values())
              .filter(o -> o.name().equalsIgnoreCase(word))
              .findFirst();
      outcome.ifPresentOrElse(outcomes::add, () -> codes.add(word));
    }
    return new CorpusRun.Redo(outcomes, codes);
  }

  /** JDK 17 gives a console exactly if both ends are terminals; later ones always give one. */
  @SuppressWarnings("SystemConsoleNull")
  private static boolean onTerminal() {
    return System.console() != null;
  }
}
