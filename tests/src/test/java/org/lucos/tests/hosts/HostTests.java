package org.lucos.tests.hosts;

import java.io.PrintStream;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.engine.discovery.ClassNameFilter;
import org.junit.platform.engine.discovery.DiscoverySelectors;
import org.junit.platform.launcher.EngineFilter;
import org.junit.platform.launcher.Launcher;
import org.junit.platform.launcher.LauncherDiscoveryRequest;
import org.junit.platform.launcher.TagFilter;
import org.junit.platform.launcher.TestExecutionListener;
import org.junit.platform.launcher.TestIdentifier;
import org.junit.platform.launcher.TestPlan;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;
import org.junit.platform.launcher.listeners.SummaryGeneratingListener;
import org.junit.platform.launcher.listeners.TestExecutionSummary;
import org.junit.platform.reporting.legacy.xml.LegacyXmlReportGeneratingListener;
import org.lucos.tests.guest.Prepared;

/**
 * Runs the tests of a tag where there is no Maven: says each as it begins and ends, in an emulated
 * host runs one or two that failed once more, counts them as Surefire does, and leaves an XML
 * report.
 */
final class HostTests {
  private static final PrintStream OUT = System.out;

  /** More tests than that do not fail because of the machine that emulates this one. */
  private static final int MOST_FLAKES = 2;

  private HostTests() {}

  /**
   * Runs them, and ends with 0 if all of them passed.
   *
   * @param arguments the folder for the report, a tag expression, and a pattern that classes' names
   *     fit
   */
  public static void main(String[] arguments) {
    LauncherDiscoveryRequest request =
        LauncherDiscoveryRequestBuilder.request()
            .selectors(DiscoverySelectors.selectPackage("org.lucos.tests"))
            .filters(
                EngineFilter.includeEngines("junit-jupiter"), // ArchUnit's would read all classes
                TagFilter.includeTags(arguments[1]),
                ClassNameFilter.includeClassNamePatterns(arguments[2]))
            .build();
    Path reports = Path.of(arguments[0]);
    TestExecutionSummary counts = run(request, reports);
    List<String> failed =
        counts.getFailures().stream()
            .map(TestExecutionSummary.Failure::getTestIdentifier)
            .filter(TestIdentifier::isTest)
            .map(TestIdentifier::getUniqueId)
            .toList();
    long failures = counts.getTotalFailureCount();
    long flakes = 0;
    boolean emulated = Prepared.isAllThereIs(); // on a machine of its own nothing fails by chance
    if (emulated && failures == failed.size() && failures > 0 && failures <= MOST_FLAKES) {
      OUT.println("once more, since an emulated processor takes an interrupt twice now and then:");
      TestExecutionSummary again =
          run(
              LauncherDiscoveryRequestBuilder.request()
                  .selectors(failed.stream().map(DiscoverySelectors::selectUniqueId).toList())
                  .build(),
              reports.resolve("once-more"));
      flakes = again.getTestsSucceededCount();
    }
    // In one piece: others write to the same console.
    OUT.println(
        String.format(
            Locale.ROOT,
            "Tests run: %d, Failures: %d, Errors: 0, Skipped: %d, Flakes: %d",
            counts.getTestsFoundCount(),
            failures - flakes,
            counts.getTestsSkippedCount(),
            flakes));
    boolean sound =
        failures == flakes
            && counts.getTestsAbortedCount() == 0
            && counts.getTestsSkippedCount() == 0
            && counts.getTestsSucceededCount() > 0;
    System.exit(sound ? 0 : 1);
  }

  private static TestExecutionSummary run(LauncherDiscoveryRequest request, Path reports) {
    SummaryGeneratingListener summary = new SummaryGeneratingListener();
    PrintWriter log = new PrintWriter(OUT, true, StandardCharsets.UTF_8);
    Launcher launcher = LauncherFactory.create();
    launcher.execute(
        request, summary, new Teller(), new LegacyXmlReportGeneratingListener(reports, log));
    summary.getSummary().printFailuresTo(log, 60);
    return summary.getSummary();
  }

  /** One line for the beginning and one for the end of each test. */
  private static final class Teller implements TestExecutionListener {
    private final Map<TestIdentifier, Long> begun = new ConcurrentHashMap<>();
    private volatile Optional<TestPlan> plan = Optional.empty();

    @Override
    public void testPlanExecutionStarted(TestPlan all) {
      plan = Optional.of(all);
    }

    @Override
    public void executionStarted(TestIdentifier test) {
      if (test.isTest()) {
        begun.put(test, System.nanoTime());
        OUT.println("  " + name(test) + " ...");
      }
    }

    @Override
    public void executionSkipped(TestIdentifier test, String reason) {
      OUT.println("SKIPPED " + name(test) + ": " + reason);
    }

    @Override
    public void executionFinished(TestIdentifier test, TestExecutionResult result) {
      if (test.isTest() || result.getStatus() != TestExecutionResult.Status.SUCCESSFUL) {
        Long start = begun.remove(test);
        long seconds = start == null ? 0 : Duration.ofNanos(System.nanoTime() - start).toSeconds();
        OUT.println(result.getStatus() + " " + name(test) + " (" + seconds + " s)");
        result.getThrowable().ifPresent(failure -> failure.printStackTrace(OUT));
      }
    }

    private String name(TestIdentifier test) {
      String parent =
          plan.flatMap(all -> all.getParent(test)).map(TestIdentifier::getDisplayName).orElse("");
      return parent + "." + test.getDisplayName();
    }
  }
}
