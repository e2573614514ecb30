package org.lucos.bench.corpus;

import com.google.common.base.Stopwatch;
import com.google.common.collect.ImmutableList;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import org.lucos.bench.corpus.BuildResult.Outcome;
import org.lucos.bench.corpus.ChangedFile.Change;
import org.lucos.patcher.app.Failures;
import org.lucos.patcher.build.BuildListener;
import org.lucos.patcher.build.BuildRequest;
import org.lucos.patcher.build.Bundle;
import org.lucos.patcher.build.DiffTool;
import org.lucos.patcher.build.KernelTree;
import org.lucos.patcher.build.PatchBuilder;
import org.lucos.patcher.build.PatchObject;
import org.lucos.patcher.build.PatchVariant;
import org.lucos.patcher.build.Placement;
import org.lucos.patcher.refusal.ChangeRefusal;
import org.lucos.patcher.refusal.Refusal;

/** Builds the change of one file into a bundle, and says what came of it. */
final class FileBuilder {
  private static final int MOST_ROUNDS = 3;

  private final Corpus corpus;
  private final KernelTree tree;
  private final PatchBuilder builder;
  private final DiffTool diff;
  private final DiffClassifier classifier;
  private final Companions companions;
  private final Path directory;
  private final Duration limit;

  /**
   * @param directory has the folders of bundles and diffs
   * @param limit how long one build may take
   */
  FileBuilder(
      Corpus corpus,
      KernelTree tree,
      PatchBuilder builder,
      DiffTool diff,
      Path directory,
      Duration limit) {
    this.corpus = corpus;
    this.tree = tree;
    this.builder = builder;
    this.diff = diff;
    this.classifier = new DiffClassifier(diff);
    this.companions = new Companions(corpus, diff);
    this.directory = directory;
    this.limit = limit;
  }

  /** What is known of a file before it is built. */
  private record Facts(
      ChangedFile file, Classification kind, List<String> with, String placement, int lines) {
    Facts {
      with = ImmutableList.copyOf(with);
    }

    /** Code that does not compile without headers that change too is no change of code only. */
    Facts needing(List<Companions.Companion> companions) {
      List<String> all = new ArrayList<>(with);
      companions.forEach(c -> all.add(c.header().path()));
      Companions.Companion first = companions.get(0);
      Classification needs =
          kind.kind() == DiffClass.CODE_ONLY
              ? new Classification(
                  DiffClass.NEEDS_HEADERS, first.word() + " of " + first.header().path())
              : kind;
      return new Facts(file, needs, all, placement, lines);
    }

    BuildResult ended(Outcome outcome, String code, String detail, double seconds) {
      return with(outcome, code, detail, seconds, 0, List.of(), List.of());
    }

    BuildResult with(
        Outcome outcome,
        String code,
        String detail,
        double seconds,
        long bytes,
        List<String> functions,
        List<String> newFunctions) {
      return new BuildResult(
          file.path(),
          placement,
          kind.kind(),
          kind.reason(),
          with,
          lines,
          outcome,
          code,
          detail,
          seconds,
          bytes,
          functions,
          newFunctions);
    }
  }

  /** Builds one file's change. Never throws for what the builder does. */
  BuildResult build(ChangedFile file) {
    String before = corpus.textBefore(file);
    String after = corpus.textAfter(file);
    String unified = unified(file);
    Classification kind = classifier.classify(file, before, after);
    Facts facts = new Facts(file, kind, List.of(), "", changedLines(unified));
    try {
      facts = new Facts(file, kind, List.of(), placement(file), facts.lines());
    } catch (RuntimeException e) {
      return failed(facts, e, 0);
    }
    BuildResult result = attempt(facts, unified);
    for (int round = 0; round < MOST_ROUNDS && result.code().equals("compile-failed"); round++) {
      List<String> known = facts.with();
      List<Companions.Companion> more =
          companions.of(file.path(), after, result.detail()).stream()
              .filter(c -> !known.contains(c.header().path()) && !c.header().equals(file))
              .toList();
      if (more.isEmpty()) {
        break;
      }
      facts = facts.needing(more);
      StringBuilder all = new StringBuilder(unified);
      more.forEach(c -> all.append(unified(c.header())));
      unified = all.toString();
      result = attempt(facts, unified);
    }
    return result;
  }

  private BuildResult attempt(Facts facts, String unified) {
    ChangedFile file = facts.file();
    write(directory.resolve("diffs").resolve(file.path().replace('/', '+') + ".diff"), unified);
    BuildRequest request =
        new BuildRequest(
            tree.release(),
            file.path() + ".diff",
            unified,
            file.path().replaceAll("[/.]", "-"),
            file.path() + " as in " + corpus.to(),
            List.of());
    Stopwatch watch = Stopwatch.createStarted();
    FutureTask<PatchObject> task =
        new FutureTask<>(() -> builder.build(request, BuildListener.SILENT));
    Thread thread = new Thread(task, "build " + file.path());
    thread.setDaemon(true);
    thread.start();
    try {
      return built(facts, task.get(limit.toMillis(), TimeUnit.MILLISECONDS), seconds(watch));
    } catch (TimeoutException e) {
      task.cancel(true);
      return facts.ended(Outcome.FAILED, "took-too-long", "limit: " + limit, seconds(watch));
    } catch (ExecutionException e) {
      return failed(facts, e.getCause(), seconds(watch));
    } catch (InterruptedException e) {
      task.cancel(true);
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted", e);
    }
  }

  private BuildResult built(Facts facts, PatchObject object, double seconds) {
    Path bundle = directory.resolve("bundles").resolve(BuildResult.bundleName(facts.file().path()));
    try {
      Files.createDirectories(directory.resolve("bundles"));
      Bundle.of(List.of(object)).write(bundle);
      PatchVariant variant = object.variant();
      return facts.with(
          Outcome.BUILT,
          "",
          "",
          seconds,
          Files.size(bundle),
          variant.functions().stream().map(PatchVariant.TargetFunction::name).toList(),
          variant.newFunctions().stream().map(PatchVariant.NewFunction::name).toList());
    } catch (IOException e) {
      throw new UncheckedIOException("cannot keep " + bundle, e);
    }
  }

  private static BuildResult failed(Facts facts, @Nullable Throwable failure, double seconds) {
    Throwable cause = failure == null ? new IllegalStateException("no cause") : failure;
    Optional<Refusal> refusal = Failures.refusal(cause);
    if (refusal.isEmpty()) {
      StackTraceElement[] trace = cause.getStackTrace();
      String where = trace.length == 0 ? "" : " at " + trace[0];
      return facts.ended(
          Outcome.FAILED,
          cause.getClass().getSimpleName(),
          Failures.describe(cause) + where,
          seconds);
    }
    String message = refusal.get().message();
    Outcome outcome = Outcome.REFUSED;
    if (refusal.get() instanceof ChangeRefusal.NothingChanged) {
      // The builder says so both for files it has no use for and for code that stays the same.
      boolean unused = message.contains("not compiled for") || message.contains("touches no");
      outcome = unused ? Outcome.NOT_BUILT_HERE : Outcome.NO_CHANGE;
    }
    return facts.ended(outcome, refusal.get().code(), message, seconds);
  }

  private String placement(ChangedFile file) {
    if (!file.path().endsWith(".c") || file.change() != Change.CHANGED) {
      return "";
    }
    Placement found = tree.placement(file.path());
    Placement placement =
        found instanceof Placement.Elsewhere there ? tree.placement(there.file()) : found;
    if (placement instanceof Placement.Module module) {
      return "module " + module.name();
    }
    if (placement instanceof Placement.Modules modules) {
      return "modules " + String.join(" ", modules.names());
    }
    return placement instanceof Placement.BuiltIn ? "vmlinux" : "elsewhere";
  }

  /** A file's diff. Added and removed files have no name on one side. */
  private String unified(ChangedFile file) {
    String unified = diff.unified(file.path(), corpus.textBefore(file), corpus.textAfter(file));
    return switch (file.change()) {
      case CHANGED -> unified;
      case ADDED -> unified.replaceFirst("--- [^\n]*", "--- /dev/null");
      case REMOVED -> unified.replaceFirst("(?m)^\\+\\+\\+ .*$", "+++ /dev/null");
    };
  }

  private static int changedLines(String unified) {
    return (int)
        unified
            .lines()
            .skip(2)
            .filter(line -> line.startsWith("+") || line.startsWith("-"))
            .count();
  }

  private static double seconds(Stopwatch watch) {
    return watch.elapsed(TimeUnit.MILLISECONDS) / 1000.0;
  }

  private static void write(Path file, String text) {
    try {
      Files.createDirectories(file.resolveSibling("."));
      Files.writeString(file, text, StandardCharsets.ISO_8859_1);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot write " + file, e);
    }
  }
}
