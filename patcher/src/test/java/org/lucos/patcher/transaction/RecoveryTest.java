package org.lucos.patcher.transaction;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.lucos.patcher.transaction.Recovery.Jumps;
import org.lucos.patcher.transaction.Recovery.Verdict;

class RecoveryTest {
  private static final Jumps ALL = new Jumps(3, 3);
  private static final Jumps NONE = new Jumps(0, 3);
  private static final Jumps SOME = new Jumps(1, 3);

  @Test
  void anApplyIsFinishedOnceAllJumpsAreThereAndUndoneBefore() {
    assertThat(judge(List.of(), List.of(ALL, ALL))).isEqualTo(Verdict.FINISH);
    assertThat(judge(List.of(), List.of(NONE, NONE))).isEqualTo(Verdict.UNDO);
    assertThat(judge(List.of(), List.of(ALL, NONE))).isEqualTo(Verdict.MIXED);
    assertThat(judge(List.of(), List.of(SOME))).isEqualTo(Verdict.MIXED);
  }

  @Test
  void aRevertIsFinishedOnceNoJumpIsThereAndUndoneBefore() {
    assertThat(judge(List.of(NONE, NONE), List.of())).isEqualTo(Verdict.FINISH);
    assertThat(judge(List.of(ALL, ALL), List.of())).isEqualTo(Verdict.UNDO);
    assertThat(judge(List.of(ALL, NONE), List.of())).isEqualTo(Verdict.MIXED);
    assertThat(judge(List.of(new Jumps(0, 0)), List.of())).isEqualTo(Verdict.FINISH);
  }

  @Test
  void aReplacementIsDoneOnBothSidesOrOnNone() {
    assertThat(judge(List.of(NONE), List.of(ALL))).isEqualTo(Verdict.FINISH);
    assertThat(judge(List.of(ALL), List.of(NONE))).isEqualTo(Verdict.UNDO);
    assertThat(judge(List.of(ALL), List.of(ALL))).isEqualTo(Verdict.MIXED);
    assertThat(judge(List.of(NONE), List.of(NONE))).isEqualTo(Verdict.MIXED);
  }

  @Test
  void aSwitchWasMadeIfSomethingWasToChangeAndAllOfItHas() {
    assertThat(Recovery.isSwitched(List.of(), List.of(ALL))).isTrue();
    assertThat(Recovery.isSwitched(List.of(NONE), List.of())).isTrue();
    assertThat(Recovery.isSwitched(List.of(), List.of(NONE))).isFalse();
    assertThat(Recovery.isSwitched(List.of(ALL), List.of(ALL))).isFalse();
    assertThat(Recovery.isSwitched(List.of(new Jumps(0, 0)), List.of())).isFalse();
    assertThat(Recovery.isSwitched(List.of(), List.of())).isFalse();
  }

  private static Verdict judge(List<Jumps> leaving, List<Jumps> coming) {
    return Recovery.judge(leaving, coming);
  }
}
