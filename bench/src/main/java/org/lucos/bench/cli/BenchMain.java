package org.lucos.bench.cli;

import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.lucos.bench.harness.Comparison;
import org.lucos.bench.harness.Result;
import org.lucos.bench.harness.ResultPage;
import org.lucos.bench.harness.Results;
import org.lucos.bench.harness.Scenario;
import org.lucos.bench.harness.Setting;
import org.lucos.bench.scenario.Scenarios;
import org.lucos.patcher.app.Failures;
import org.lucos.patcher.app.Settings;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.HelpCommand;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** The {@code lucos-bench} command. */
@Command(
    name = "lucos-bench",
    description = "Measures what patching costs a guest.",
    mixinStandardHelpOptions = true,
    subcommands = HelpCommand.class,
    synopsisSubcommandLabel = "COMMAND")
@SuppressWarnings("NullAway.Init") // picocli sets the fields
public final class BenchMain implements Runnable {
  private static final String PRODUCT_DIRECTORY = "product";
  private static final String PAGE = "index.html";
  private static final int SLOWER = 3;
  private static final int ROUNDS = 100;
  private static final int BRIEF_ROUNDS = 6;

  private final PrintWriter out = new PrintWriter(System.out, true, StandardCharsets.UTF_8);
  private final PrintWriter err = new PrintWriter(System.err, true, StandardCharsets.UTF_8);
  private final Map<String, String> environment;

  @Spec private CommandSpec spec;

  private BenchMain(Map<String, String> environment) {
    this.environment = environment;
  }

  /** Runs one command and ends the process with its exit code. */
  public static void main(String[] arguments) {
    BenchMain main = new BenchMain(System.getenv());
    CommandLine line = new CommandLine(main);
    line.setUsageHelpAutoWidth(true);
    line.setExecutionExceptionHandler((failure, command, parsed) -> main.failed(failure));
    System.exit(line.execute(arguments));
  }

  private int failed(Exception failure) {
    String said =
        Failures.refusal(failure)
            .map(refusal -> refusal.message() + "\n             " + refusal.remedy())
            .orElseGet(() -> Failures.describe(failure));
    err.println("lucos-bench: " + said);
    return Failures.refusal(failure).map(refusal -> refusal.exitCode().value()).orElse(1);
  }

  @Override
  public void run() {
    throw new CommandLine.ParameterException(spec.commandLine(), "name a command");
  }

  @Command(name = "list", mixinStandardHelpOptions = true, description = "Lists the scenarios.")
  int list() {
    Scenarios.all()
        .forEach(scenario -> out.printf("%-12s %s%n", scenario.name(), scenario.description()));
    return 0;
  }

  @Command(
      name = "run",
      mixinStandardHelpOptions = true,
      description = "Runs scenarios: all, or those named.")
  int run(
      @Parameters(paramLabel = "NAME", arity = "0..*") List<String> names,
      @Option(
              names = {"-o", "--output"},
              paramLabel = "DIR",
              defaultValue = "bench/target/results",
              description = "where results are kept (default: ${DEFAULT-VALUE})")
          Path output,
      @Option(
              names = "--short",
              description = "with less to do: all of it takes less than 20 minutes on two cores")
          boolean brief,
      @Option(
              names = "--rounds",
              paramLabel = "N",
              description = "how often each thing is measured (default: 100, with --short: 6)")
          Integer rounds,
      @Option(
              names = {"-k", "--kernel"},
              paramLabel = "RELEASE",
              description = "what guests run (default: the newest Debian 6.1 cloud kernel)")
          String kernel,
      @Option(
              names = "--missing",
              description = "only those without a result in DIR: goes on where a run was stopped")
          boolean missing,
      @Option(
              names = "--corpus",
              paramLabel = "DIR",
              description =
                  "what 'coverage' sums up: the directory of a run of lucos-corpus (default: a"
                      + " sample that it builds and applies itself)")
          Path corpus) {
    Path home = Path.of(environment.getOrDefault("LUCOS_HOME", ".")).toAbsolutePath();
    Path work = output.toAbsolutePath().resolve("work");
    Settings own =
        Settings.from(environment, Optional.empty()).below(work.resolve(PRODUCT_DIRECTORY));
    List<String> options =
        kernel == null ? List.of("--series", "6.1") : List.of("--release", kernel);
    int times = rounds != null ? rounds : brief ? BRIEF_ROUNDS : ROUNDS;
    Setting setting = new Setting(home, own, work, options, times, Optional.ofNullable(corpus));
    for (Scenario scenario : scenarios(names, brief ? Scenarios.brief() : Scenarios.all())) {
      if (missing && Files.exists(Results.file(output, scenario.name()))) {
        err.println(scenario.name() + ": there already");
        continue;
      }
      Result result = scenario.run(setting, err::println);
      Path file = Results.write(output, result);
      out.print(Results.table(result));
      out.println("raw data: " + file);
      out.println("page of all results there: " + page(output));
    }
    return 0;
  }

  private static Path page(Path output) {
    Path page = output.resolve(PAGE);
    ResultPage.write(
        page,
        Scenarios.all().stream()
            .map(scenario -> Results.file(output, scenario.name()))
            .filter(Files::exists)
            .map(Results::read)
            .toList());
    return page;
  }

  private List<Scenario> scenarios(List<String> names, List<Scenario> among) {
    List<Scenario> chosen = new ArrayList<>();
    for (String name : names == null ? List.<String>of() : names) {
      chosen.add(
          Scenarios.named(name, among)
              .orElseThrow(
                  () ->
                      new CommandLine.ParameterException(
                          spec.commandLine(), "no such scenario: " + name)));
    }
    return chosen.isEmpty() ? among : chosen;
  }

  @Command(
      name = "compare",
      mixinStandardHelpOptions = true,
      description = {
        "Sets two results of a scenario side by side.",
        "Ends with 3 if anything has become slower: its median by more than is tolerated, and more"
            + " than chance explains (Mann-Whitney, one in a hundred)."
      })
  int compare(
      @Parameters(paramLabel = "BEFORE") Path before,
      @Parameters(paramLabel = "AFTER") Path after,
      @Option(
              names = "--tolerate",
              paramLabel = "PERCENT",
              defaultValue = "10",
              description = "how far a median may be off (default: ${DEFAULT-VALUE})")
          int tolerated) {
    Comparison comparison =
        Comparison.of(Results.read(before), Results.read(after), tolerated / 100.0);
    out.print(comparison.text());
    out.flush();
    return comparison.isSlower() ? SLOWER : 0;
  }

  @Command(
      name = "report",
      mixinStandardHelpOptions = true,
      description = "Prints results again, or makes one page of them with plots and raw data.")
  int report(
      @Parameters(paramLabel = "FILE", arity = "1..*") List<Path> files,
      @Option(names = "--html", paramLabel = "PAGE", description = "the page to write") Path page) {
    List<Result> results = files.stream().map(Results::read).toList();
    if (page == null) {
      results.forEach(result -> out.println(Results.table(result)));
    } else {
      ResultPage.write(page, results);
      out.println("page: " + page);
    }
    return 0;
  }
}
