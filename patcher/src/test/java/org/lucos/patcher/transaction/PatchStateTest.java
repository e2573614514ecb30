package org.lucos.patcher.transaction;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Set;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.lucos.patcher.refusal.RefusedException;
import org.lucos.patcher.refusal.StateRefusal;

class PatchStateTest {
  /** The table of ARCHITECTURE.md. */
  private static final Set<String> ALLOWED =
      Set.of(
          "absent -> loaded",
          "absent -> waiting",
          "waiting -> loaded",
          "waiting -> absent",
          "loaded -> applied",
          "loaded -> draining",
          "loaded -> absent",
          "draining -> applied",
          "draining -> reverted",
          "applied -> reverted",
          "orphaned -> reverted",
          "failed -> reverted",
          "reverted -> absent",
          "reverted -> retained",
          "retained -> applied",
          "retained -> absent");

  @ParameterizedTest
  @EnumSource
  void everyTransitionThatIsNotInTheTableIsRefused(PatchState from) {
    for (PatchState to : PatchState.values()) {
      if (ALLOWED.contains(from.label() + " -> " + to.label())) {
        assertThatCode(() -> from.require("p", to)).doesNotThrowAnyException();
      } else {
        assertThatThrownBy(() -> from.require("p", to))
            .as("%s -> %s", from, to)
            .isInstanceOfSatisfying(
                RefusedException.class,
                refused ->
                    assertThat(refused.refusal())
                        .isEqualTo(
                            new StateRefusal.TransitionRefused("p", from.label(), to.label())));
      }
    }
  }

  @ParameterizedTest
  @CsvSource({"LOADED", "APPLIED", "DRAINING", "ORPHANED", "FAILED"})
  void whateverIsInAGuestCanBeTakenOut(PatchState from) {
    assertThat(
            from.mayBecome(PatchState.ABSENT)
                || (from.mayBecome(PatchState.REVERTED)
                    && PatchState.REVERTED.mayBecome(PatchState.ABSENT)))
        .isTrue();
  }
}
