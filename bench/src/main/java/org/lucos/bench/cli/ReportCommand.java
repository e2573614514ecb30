package org.lucos.bench.cli;

import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.lucos.bench.report.Reports;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code lucos-corpus report}. */
@Command(
    name = "report",
    mixinStandardHelpOptions = true,
    description = "Writes the table, the page and the summary of a run anew, and prints figures.")
@SuppressWarnings("NullAway.Init") // picocli sets the fields
final class ReportCommand implements Callable<Integer> {
  @Option(
      names = {"-o", "--output"},
      required = true,
      paramLabel = "DIR",
      description = "the directory of a run")
  private Path directory;

  @Option(
      names = "--title",
      paramLabel = "TEXT",
      defaultValue = "a corpus",
      description = "what the page is called")
  private String title;

  @Option(
      names = {"-j", "--json"},
      description = "print the figures as JSON")
  private boolean json;

  @Override
  public Integer call() {
    Reports.write(directory, title);
    return CorpusOutput.print(directory, json);
  }
}
