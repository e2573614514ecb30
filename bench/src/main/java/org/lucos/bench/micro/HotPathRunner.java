package org.lucos.bench.micro;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.results.BenchmarkResult;
import org.openjdk.jmh.results.IterationResult;
import org.openjdk.jmh.results.Result;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.BenchmarkException;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.ChainedOptionsBuilder;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;
import org.openjdk.jmh.runner.options.VerboseMode;

/** Measures hot paths with JMH. */
public final class HotPathRunner {
  private final Effort effort;
  private final Map<String, String> parameters;

  /**
   * How much is done for each path.
   *
   * @param forked whether it has a JVM of its own. All JVMs have the options of this one: if these
   *     stop at C1, what ran before in the same JVM hardly matters, since C1 uses no profiles
   * @param warmups iterations that are not counted
   * @param iterations iterations that are
   * @param length of each
   */
  public record Effort(boolean forked, int warmups, int iterations, Duration length) {}

  /**
   * @param parameters of all benchmarks, by name
   */
  public HotPathRunner(Effort effort, Map<String, String> parameters) {
    this.effort = effort;
    this.parameters = Map.copyOf(parameters);
  }

  /**
   * Measures one path.
   *
   * @throws IllegalStateException if it fails
   */
  public List<Iteration> run(HotPath path) {
    // JMH's own lock would let another measurement on this host fail; results say what the load was
    System.setProperty("jmh.ignoreLock", "true");
    TimeValue length = TimeValue.milliseconds(effort.length().toMillis());
    ChainedOptionsBuilder options =
        new OptionsBuilder()
            .include("^" + Pattern.quote(path.benchmark()) + "$")
            .mode(Mode.AverageTime)
            .timeUnit(TimeUnit.NANOSECONDS)
            .forks(effort.forked() ? 1 : 0)
            .warmupIterations(effort.warmups())
            .warmupTime(length)
            .measurementIterations(effort.iterations())
            .measurementTime(length)
            .shouldFailOnError(true)
            .verbosity(VerboseMode.SILENT);
    parameters.forEach(options::param);
    try {
      List<Iteration> iterations = new ArrayList<>();
      for (RunResult result : new Runner(options.build()).run()) {
        result.getBenchmarkResults().forEach(fork -> addAll(fork, iterations));
      }
      if (iterations.isEmpty()) {
        throw new IllegalStateException("nothing was measured: " + path.benchmark());
      }
      return iterations;
    } catch (RunnerException e) {
      throw new IllegalStateException(path.benchmark() + ": " + reason(e), e);
    }
  }

  /** What a benchmark threw: the cause of what JMH throws keeps it among its suppressed ones. */
  private static Throwable reason(RunnerException failure) {
    Throwable cause = failure.getCause();
    return cause instanceof BenchmarkException && cause.getSuppressed().length > 0
        ? cause.getSuppressed()[0]
        : failure;
  }

  private static void addAll(BenchmarkResult fork, Collection<Iteration> into) {
    for (IterationResult iteration : fork.getIterationResults()) {
      into.add(new Iteration(per(iteration, "bytes"), per(iteration, "items")));
    }
  }

  /** Nanoseconds for one of what a field of {@link Work} counts. */
  private static OptionalDouble per(IterationResult iteration, String counter) {
    Result<?> result = iteration.getSecondaryResults().get(counter);
    return result != null && Double.isFinite(result.getScore())
        ? OptionalDouble.of(result.getScore())
        : OptionalDouble.empty();
  }
}
