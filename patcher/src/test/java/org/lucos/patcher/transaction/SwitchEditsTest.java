package org.lucos.patcher.transaction;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.patcher.plan.TextEdit;
import org.lucos.patcher.refusal.RefusedException;
import org.lucos.patcher.refusal.StateRefusal;

class SwitchEditsTest {
  private static TextEdit edit(long at, String from, String to) {
    HexFormat hex = HexFormat.of();
    return new TextEdit(new GuestVirtualAddress(at), hex.parseHex(from), hex.parseHex(to));
  }

  @Test
  void whatComesAndGoesAtOnePlaceIsWrittenOnce() {
    assertThat(
            SwitchEdits.inOneStep(
                List.of(
                    edit(16, "02", "01"),
                    edit(32, "05", "06"),
                    edit(16, "01", "00"),
                    edit(16, "00", "03"))))
        .containsExactly(edit(16, "02", "03"), edit(32, "05", "06"));
  }

  @Test
  void whatIsInTheEndAsItWasIsNotWritten() {
    assertThat(SwitchEdits.inOneStep(List.of(edit(16, "02", "01"), edit(16, "01", "02"))))
        .isEmpty();
  }

  @Test
  void aStepThatDoesNotFollowFromTheOneBeforeIsRefused() {
    assertThatThrownBy(
            () -> SwitchEdits.inOneStep(List.of(edit(16, "02", "01"), edit(16, "03", "04"))))
        .isInstanceOfSatisfying(
            RefusedException.class,
            refused -> assertThat(refused.refusal()).isInstanceOf(StateRefusal.TextChanged.class));
  }
}
