package org.lucos.patcher.transaction;

import com.google.common.collect.Maps;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import org.lucos.bridge.domain.PausedGuest;
import org.lucos.bridge.memory.Recollection;
import org.lucos.patcher.consistency.NamedRange;
import org.lucos.patcher.consistency.PreparedCheck;
import org.lucos.patcher.consistency.StackChecker;
import org.lucos.patcher.guestcall.Nudge;
import org.lucos.patcher.kernel.RunningKernel;
import org.lucos.patcher.plan.TextEdit;
import org.lucos.patcher.refusal.BusyRefusal;
import org.lucos.patcher.refusal.Refusal;
import org.lucos.patcher.refusal.RefusedException;
import org.lucos.patcher.refusal.StateRefusal;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes a set of edits in one pause, all or none: nobody is inside the given code, every site holds
 * what is expected, then all are written and read back. Whatever fails puts back what was written.
 */
public final class TextSwitch {
  private static final Logger LOG = LoggerFactory.getLogger(TextSwitch.class);
  private static final Duration FIRST_BACK_OFF = Duration.ofMillis(10);
  private static final Duration LONGEST_BACK_OFF = Duration.ofMillis(500);

  /** A JVM compiles what has run some 200 times, or 16 with {@code jvm.options}. */
  private static final int REHEARSALS = 250;

  private static final Duration UNLIMITED = Duration.ofDays(1);

  private static final Duration LONGEST_REHEARSAL = Duration.ofMillis(80);

  private final RunningKernel kernel;
  private final Duration maxPause;
  private final Optional<Duration> kickAfter;
  private final Nudge nudge;
  private final PauseForecast forecast = new PauseForecast();

  /**
   * @param maxPause how long a pause may last: what does not fit is undone within it, or not begun
   * @param kickAfter how long to wait before tasks inside are kicked; empty if none may be
   * @param nudge who in the guest may come to carry a kick
   */
  TextSwitch(RunningKernel kernel, Duration maxPause, Optional<Duration> kickAfter, Nudge nudge) {
    this.nudge = nudge;
    this.kernel = kernel;
    this.maxPause = maxPause;
    this.kickAfter = kickAfter;
  }

  /**
   * Makes the edits as soon as nobody is inside {@code busy}, trying for {@code timeout}.
   *
   * @param edits reads the guest and changes nothing; asked for before the first pause, and at the
   *     beginning of each; what it throws ends the attempts
   * @throws RefusedException with {@link BusyRefusal.FunctionInUse}, {@link
   *     BusyRefusal.StackUnreliable}, {@link BusyRefusal.PauseBudgetExceeded}, {@link
   *     BusyRefusal.PauseTooLong} or {@link StateRefusal.TextChanged}; nothing is changed then
   */
  public SwitchOutcome run(
      String purpose, List<NamedRange> busy, Supplier<List<TextEdit>> edits, Duration timeout) {
    try (Kicker kicker =
        kickAfter.<Kicker>map(after -> new TaskKicker(kernel, nudge, after)).orElse(Kicker.NONE)) {
      return run(purpose, busy, edits, timeout, kicker);
    }
  }

  private SwitchOutcome run(
      String purpose,
      List<NamedRange> busy,
      Supplier<List<TextEdit>> edits,
      Duration timeout,
      Kicker kicker) {
    long start = System.nanoTime();
    long deadline = start + timeout.toNanos();
    Duration backOff = FIRST_BACK_OFF;
    StackChecker checker = new StackChecker(kernel);
    List<String> retries = new ArrayList<>();
    int inside = 0;
    int count = edits.get().size(); // what stands in the way is told without a pause
    warmUp(checker.prepare(busy), edits);
    while (true) {
      Attempt attempt = attempt(purpose, checker, busy, edits);
      if (attempt.refusal.isEmpty()) {
        Duration check = attempt.took(PausePhase.STACK_CHECK);
        Duration write =
            attempt
                .took(PausePhase.COMPARE)
                .plus(attempt.took(PausePhase.WRITE))
                .plus(attempt.took(PausePhase.READ_BACK));
        LOG.info(
            "switched: purpose={}, edits={}, attempts={}, pause-us={}, phases-us={}",
            purpose,
            count,
            retries.size() + 1,
            attempt.pause.toNanos() / 1000,
            Maps.transformValues(attempt.phases, took -> took.toNanos() / 1000));
        return new SwitchOutcome(
            retries.size() + 1,
            attempt.tasks,
            inside,
            attempt.pause,
            check,
            write,
            retries,
            attempt.phases);
      }
      Refusal refusal = attempt.refusal.get();
      LOG.info("switch put off: {}", refusal.message());
      retries.add(refusal.message());
      if (System.nanoTime() + backOff.toNanos() > deadline) {
        throw new RefusedException(refusal);
      }
      if (refusal instanceof BusyRefusal.FunctionInUse inUse) {
        inside = Math.max(inside, inUse.count());
        Duration waited = Duration.ofNanos(System.nanoTime() - start);
        Optional<String> helped = kicker.help(inUse.stragglers(), waited);
        if (helped.isPresent()) {
          LOG.info("stragglers: {}", helped.get());
          retries.add(helped.get());
          checker.knowing(kicker.frames());
          continue;
        }
      }
      sleep(backOff);
      backOff =
          backOff.multipliedBy(2).compareTo(LONGEST_BACK_OFF) > 0
              ? LONGEST_BACK_OFF
              : backOff.multipliedBy(2);
    }
  }

  /**
   * @param refusal why nothing was changed; empty if all was
   * @param tasks how many tasks were found outside
   * @param pause how long the guest was stopped for it
   */
  private record Attempt(
      Optional<Refusal> refusal, int tasks, Duration pause, Map<PausePhase, Duration> phases) {
    Duration took(PausePhase phase) {
      return phases.getOrDefault(phase, Duration.ZERO);
    }
  }

  private Attempt attempt(
      String purpose,
      StackChecker checker,
      List<NamedRange> busy,
      Supplier<List<TextEdit>> source) {
    PreparedCheck prepared = checker.prepare(busy);
    Recollection<TextSteps.Written> foreseen = foresee(source);
    Optional<BusyRefusal> hopeless = forecast.refusal(prepared.expected(), maxPause);
    if (hopeless.isPresent()) {
      return new Attempt(Optional.of(hopeless.get()), 0, Duration.ZERO, Map.of());
    }
    Optional<Supplier<Refusal>> refusal;
    PauseBudget budget;
    Duration held;
    int tasks;
    try (PausedGuest lease = kernel.domain().pause(purpose, prepared::lastLook)) {
      budget = new PauseBudget(maxPause, forecast.of(PausePhase.RESUME), lease::heldFor);
      TextSteps steps =
          new TextSteps(kernel, lease, prepared, source, foreseen, TextEdit::replacement);
      refusal =
          new PausedSwitch(steps, budget)
              .run(forecast.from(PausePhase.WRITE).minus(forecast.of(PausePhase.RESUME)));
      if (lease.pausedBefore()) {
        lease.commit(); // otherwise letting it run does
      }
      held = lease.heldFor();
      tasks = steps.tasks();
    }
    var pauses = kernel.domain().pauses().entries();
    Duration pause = pauses.get(pauses.size() - 1).duration();
    Map<PausePhase, Duration> phases = new EnumMap<>(PausePhase.class);
    phases.putAll(budget.phases());
    phases.put(PausePhase.RESUME, pause.minus(held));
    forecast.add(phases);
    return new Attempt(refusal.map(Supplier::get), tasks, pause, phases);
  }

  /**
   * Has the code run that the pause will: a first time takes many times as long. What it says of a
   * guest that runs means nothing.
   */
  private void warmUp(PreparedCheck check, Supplier<List<TextEdit>> source) {
    RehearsedPause stage = new RehearsedPause(kernel.boot().lastSeen());
    Recollection<TextSteps.Written> foreseen = foresee(source);
    long begun = System.nanoTime();
    for (int i = 0; i < REHEARSALS; i++) {
      TextSteps steps = new TextSteps(kernel, stage, check, source, foreseen, TextEdit::expected);
      if (stage.registers().isEmpty()) {
        check.check(stage.registers()); // there was no pause yet, and without registers it ends so
      } else {
        PauseBudget budget = new PauseBudget(UNLIMITED, Duration.ZERO, stage::heldFor);
        new PausedSwitch(steps, budget).run(Duration.ZERO);
      }
      List<TextEdit> edits = steps.compare();
      steps.write(edits);
      steps.readBack(edits);
      if (System.nanoTime() - begun > LONGEST_REHEARSAL.toNanos()) {
        return;
      }
    }
  }

  private Recollection<TextSteps.Written> foresee(Supplier<List<TextEdit>> source) {
    return kernel.memory().recollect(() -> TextSteps.compared(kernel, source));
  }

  private static void sleep(Duration duration) {
    try {
      Thread.sleep(duration.toMillis());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted between attempts", e);
    }
  }
}
