package org.lucos.patcher.transaction;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.patcher.plan.TextEdit;
import org.lucos.patcher.refusal.BusyRefusal;
import org.lucos.patcher.refusal.Refusal;

class PausedSwitchTest {
  private static final Duration LIMIT = Duration.ofMillis(5);
  private static final Duration STEP = Duration.ofNanos(500_000);

  /** A guest that stands still while a clock of its own goes on. */
  private static final class StoodStill implements PausedSwitch.Steps {
    final Map<Long, String> text = new TreeMap<>(Map.of(0x1000L, "a", 0x2000L, "b"));
    final Map<PausePhase, Duration> costs = new TreeMap<>();
    final List<String> done = new ArrayList<>();
    Duration clock = Duration.ZERO;
    Duration allowedForCheck = Duration.ZERO;
    Optional<Supplier<Refusal>> inUse = Optional.empty();
    boolean damaged;

    private void step(PausePhase phase) {
      done.add(phase.toString());
      clock = clock.plus(costs.getOrDefault(phase, STEP));
    }

    @Override
    public void registers() {
      step(PausePhase.REGISTERS);
    }

    @Override
    public Optional<Supplier<Refusal>> check(Duration left) {
      allowedForCheck = left;
      step(PausePhase.STACK_CHECK);
      return inUse;
    }

    @Override
    public List<TextEdit> compare() {
      step(PausePhase.COMPARE);
      List<TextEdit> edits = List.of(edit(0x1000, "a", "A"), edit(0x2000, "b", "B"));
      edits.forEach(
          edit ->
              assertThat(text.get(edit.at().value()))
                  .isEqualTo(new String(edit.expected(), US_ASCII)));
      return edits;
    }

    private static TextEdit edit(long at, String before, String after) {
      return new TextEdit(
          new GuestVirtualAddress(at), before.getBytes(US_ASCII), after.getBytes(US_ASCII));
    }

    @Override
    public void write(List<TextEdit> edits) {
      edits.forEach(edit -> text.put(edit.at().value(), new String(edit.replacement(), US_ASCII)));
      step(PausePhase.WRITE);
    }

    @Override
    public void readBack(List<TextEdit> edits) {
      step(PausePhase.READ_BACK);
      if (damaged) {
        throw new IllegalStateException("not what was written");
      }
    }

    @Override
    public void undo(List<TextEdit> edits) {
      done.add("undo");
      edits.forEach(edit -> text.put(edit.at().value(), new String(edit.expected(), US_ASCII)));
    }
  }

  private final StoodStill guest = new StoodStill();

  private Optional<Refusal> run() {
    guest.clock = guest.costs.getOrDefault(PausePhase.STOP, STEP);
    PauseBudget budget = new PauseBudget(LIMIT, Duration.ofMillis(1), () -> guest.clock);
    return new PausedSwitch(guest, budget).run(Duration.ofMillis(1)).map(Supplier::get);
  }

  @Test
  void withinTheBudgetAllIsWritten() {
    assertThat(run()).isEmpty();
    assertThat(guest.text).containsValues("A", "B");
    assertThat(guest.done).doesNotContain("undo");
  }

  @ParameterizedTest
  @EnumSource(value = PausePhase.class, names = "RESUME", mode = EnumSource.Mode.EXCLUDE)
  void whicheverPhaseTakesTooLongIsNamedAndNothingStaysWritten(PausePhase slow) {
    guest.costs.put(slow, Duration.ofMillis(7));
    assertThat(run())
        .get()
        .isInstanceOfSatisfying(
            BusyRefusal.PauseBudgetExceeded.class,
            refusal -> {
              assertThat(refusal.phase()).isEqualTo(slow.toString());
              assertThat(refusal.milliseconds()).isBetween(7L, 10L);
            });
    assertThat(guest.text).containsValues("a", "b");
    boolean hadWritten = slow.compareTo(PausePhase.WRITE) >= 0;
    assertThat(guest.done.contains("undo")).isEqualTo(hadWritten);
  }

  @Test
  void whatLettingItRunTakesIsKeptInReserve() {
    guest.costs.put(PausePhase.READ_BACK, Duration.ofNanos(2_100_000)); // 4.6 ms in all
    assertThat(run()).get().isInstanceOf(BusyRefusal.PauseBudgetExceeded.class);
    assertThat(guest.text).containsValues("a", "b");
  }

  @Test
  void theCheckIsToldWhatTheOtherPhasesLeaveIt() {
    run();
    assertThat(guest.allowedForCheck).isEqualTo(Duration.ofNanos(1_500_000));
  }

  @Test
  void whoIsInsideIsToldEvenIfThatTookTooLong() {
    guest.costs.put(PausePhase.STACK_CHECK, Duration.ofMillis(7));
    Refusal refusal = new BusyRefusal.StackUnreliable("task", "detail");
    guest.inUse = Optional.of(() -> refusal);
    assertThat(run()).contains(refusal);
    assertThat(guest.text).containsValues("a", "b");
  }

  @Test
  void aFailureAfterWritingUndoesIt() {
    guest.damaged = true;
    assertThatThrownBy(this::run).hasMessage("not what was written");
    assertThat(guest.text).containsValues("a", "b");
  }

  @Test
  void whatCannotFitIsNotBegunAndOneBadMomentIsForgotten() {
    PauseForecast forecast = new PauseForecast();
    assertThat(forecast.refusal(Duration.ofMillis(1), LIMIT)).isEmpty();
    assertThat(forecast.refusal(Duration.ofMillis(9), LIMIT))
        .get()
        .isEqualTo(new BusyRefusal.PauseTooLong("stack check", 9000, 5000));
    forecast.add(Map.of(PausePhase.STOP, Duration.ofMillis(6)));
    assertThat(forecast.refusal(Duration.ofMillis(1), LIMIT))
        .get()
        .isEqualTo(new BusyRefusal.PauseTooLong("stop", 7000, 5000));
    assertThat(forecast.refusal(Duration.ofMillis(1), LIMIT)).isEmpty();
    forecast.add(Map.of(PausePhase.STOP, Duration.ofMillis(6)));
    forecast.add(Map.of(PausePhase.STOP, Duration.ofMillis(2)));
    assertThat(forecast.refusal(Duration.ofMillis(1), LIMIT)).isEmpty();
    assertThat(forecast.from(PausePhase.STOP)).isEqualTo(Duration.ofMillis(2));
  }
}
