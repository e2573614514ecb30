package org.lucos.patcher.app;

import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.lucos.bridge.domain.PausedGuest;
import org.lucos.bridge.vcpu.VcpuRegisters;
import org.lucos.patcher.consistency.Finding;
import org.lucos.patcher.consistency.NamedRange;
import org.lucos.patcher.consistency.PreparedCheck;
import org.lucos.patcher.consistency.StackChecker;
import org.lucos.patcher.consistency.StackReport;
import org.lucos.patcher.kernel.FunctionCode;
import org.lucos.patcher.kernel.LoadedModule;
import org.lucos.patcher.kernel.RunningKernel;
import org.lucos.patcher.refusal.FitRefusal;
import org.lucos.patcher.refusal.RefusedException;
import org.lucos.patcher.refusal.Straggler;
import org.lucos.patcher.transaction.GuestPatch;
import org.lucos.patcher.transaction.Stragglers;
import org.lucos.patcher.transaction.SwitchGround;

/** Shows which tasks keep functions from being replaced, or put back. Writes nothing. */
public final class ShowBlocking {
  /** How long a task must sleep to be told of when nothing is asked for in particular. */
  private static final Duration LONG = Duration.ofSeconds(1);

  private final Settings settings;

  /** Works with these settings. */
  public ShowBlocking(Settings settings) {
    this.settings = settings;
  }

  /**
   * What is asked.
   *
   * @param guest name, UUID or id
   * @param what functions, patches in the guest, or bundle files; none asks who sleeps long
   * @param exact stop the guest for a moment and look at every task; else those that run are left
   *     out
   */
  public record Request(String guest, List<String> what, boolean exact) {
    /** Copies the list. */
    public Request {
      what = List.copyOf(what);
    }
  }

  /**
   * Tasks that sleep long in one place.
   *
   * @param where the innermost functions
   * @param tasks how many
   * @param firm how many of these cannot be kicked: kernel threads, uninterruptible sleeps
   * @param examples some of them
   */
  public record Group(String where, int tasks, int firm, List<String> examples) {
    /** Copies the list. */
    public Group {
      examples = List.copyOf(examples);
    }
  }

  /**
   * What was found.
   *
   * @param inside who is inside of what was asked for
   * @param others how many more
   * @param uncertain tasks that could not be judged, one line each
   * @param sleepers who sleeps long, if nothing was asked for
   * @param tasks how many tasks were looked at
   * @param pauseMilliseconds how long the guest was stopped
   */
  public record Outcome(
      Report.Guest guest,
      boolean exact,
      List<Straggler> inside,
      int others,
      List<String> uncertain,
      List<Group> sleepers,
      int tasks,
      double pauseMilliseconds) {
    /** Copies the lists. */
    public Outcome {
      inside = List.copyOf(inside);
      uncertain = List.copyOf(uncertain);
      sleepers = List.copyOf(sleepers);
    }

    /** Whether somebody is inside, or may be. */
    public boolean blocks() {
      return !inside.isEmpty() || !uncertain.isEmpty();
    }
  }

  /** Looks. */
  public Outcome run(Request request, Progress progress) {
    Phases phases = new Phases(progress);
    phases.begin("attach");
    try (GuestSession session =
        request.exact()
            ? GuestSession.writing(settings, request.guest(), SwitchLimits.USUAL)
            : GuestSession.reading(settings, request.guest())) {
      RunningKernel kernel = session.kernel();
      if (request.what().isEmpty()) {
        phases.begin("look twice");
        List<Group> sleepers = new LongSleepers(kernel).find(LONG);
        int tasks = sleepers.stream().mapToInt(Group::tasks).sum();
        phases.end();
        return new Outcome(session.describe(), false, List.of(), 0, List.of(), sleepers, tasks, 0);
      }
      List<NamedRange> ranges = new ArrayList<>();
      request.what().forEach(what -> ranges.addAll(code(kernel, what, phases)));
      phases.begin("look at stacks");
      PreparedCheck check = new StackChecker(kernel).prepare(ranges);
      StackReport report = request.exact() ? stopped(session, check) : check.survey();
      phases.end();
      List<Finding.InUse> inUse = report.inUse();
      return new Outcome(
          session.describe(),
          request.exact(),
          Stragglers.describe(kernel, inUse),
          Math.max(0, inUse.size() - Stragglers.MOST),
          report.findings().stream()
              .filter(Finding.Unreliable.class::isInstance)
              .map(Finding::toString)
              .toList(),
          List.of(),
          report.tasks(),
          Report.millis(session.domain().pauses().total()));
    }
  }

  private static StackReport stopped(GuestSession session, PreparedCheck check) {
    try (PausedGuest lease = session.domain().pause("blocking")) {
      List<VcpuRegisters> vcpus = session.kernel().boot().require(lease::registers);
      StackReport report = check.check(vcpus);
      lease.commit();
      return report;
    }
  }

  /** What has to be empty of tasks: for a patch in the guest, what a revert waits for. */
  private List<NamedRange> code(RunningKernel kernel, String what, Phases phases) {
    Optional<Path> file = file(what);
    if (file.isPresent()) {
      CheckedBundle bundle = CheckedBundle.read(file.get(), settings, true);
      return GuestPatch.find(kernel, bundle.bundle().manifest().description().name())
          .map(ShowBlocking::replacements)
          .orElseGet(() -> targets(kernel, bundle, phases));
    }
    Optional<GuestPatch> patch = GuestPatch.find(kernel, what);
    if (patch.isPresent()) {
      return replacements(patch.get());
    }
    List<NamedRange> function =
        FunctionCode.named(kernel, what).stream().map(r -> new NamedRange(what, r)).toList();
    if (function.isEmpty()) {
      throw new RefusedException(
          new FitRefusal.SymbolNotResolved(
              what, "no function, no patch in the guest and no file has this name"));
    }
    return function;
  }

  private static List<NamedRange> replacements(GuestPatch patch) {
    return patch.module().part(LoadedModule.Kind.TEXT).stream()
        .map(range -> new NamedRange(patch.module().name(), range))
        .toList();
  }

  private static List<NamedRange> targets(
      RunningKernel kernel, CheckedBundle bundle, Phases phases) {
    List<NamedRange> ranges = new ArrayList<>();
    SwitchGround ground = SwitchGround.of(GuestPatch.all(kernel), Set.of());
    PreparedPatch.prepare(kernel, bundle, phases, ground, Set.of())
        .plan()
        .functions()
        .forEach(f -> f.ranges().forEach(r -> ranges.add(new NamedRange(f.name(), r))));
    return ranges;
  }

  private static Optional<Path> file(String name) {
    try {
      Path path = Path.of(name);
      return Files.isRegularFile(path) ? Optional.of(path) : Optional.empty();
    } catch (InvalidPathException e) {
      return Optional.empty(); // then it is a function's name, or nothing
    }
  }
}
