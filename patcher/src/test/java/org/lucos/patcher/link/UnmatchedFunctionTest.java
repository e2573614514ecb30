package org.lucos.patcher.link;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.lucos.patcher.build.PatchVariant.TargetFunction;
import org.lucos.patcher.refusal.FitRefusal;
import org.lucos.patcher.refusal.RefusedException;

class UnmatchedFunctionTest {
  private final SampleKernel kernel = new SampleKernel();

  private static TargetFunction target(String name, Integer... sympos) {
    return new TargetFunction(
        name,
        "written_by_hand.o",
        sympos.length == 0 ? Optional.empty() : Optional.of(sympos[0]),
        false,
        0,
        "",
        "new_" + name,
        List.of(),
        List.of());
  }

  private LinkedFunction find(TargetFunction target) {
    return new UnmatchedFunction(target, kernel.running()).find();
  }

  @Test
  void aFunctionIsFoundByItsNameWithTheSlotAndThePartsItHas() {
    LinkedFunction alpha = find(target("alpha"));

    assertThat(alpha.code().start().value()).isEqualTo(SampleKernel.TEXT);
    assertThat(alpha.tracingSlot()).isEqualTo(OptionalLong.of(4));
    assertThat(alpha.body()).isEqualTo(9);
    assertThat(alpha.parts())
        .singleElement()
        .satisfies(part -> assertThat(part.start().value()).isEqualTo(SampleKernel.COLD));
    assertThat(alpha.target().runPreMatched()).isFalse();
  }

  @Test
  void aNameThatSeveralSymbolsHaveNeedsAPosition() {
    kernel.symbol("alpha", SampleKernel.START + 0x3500, 't');

    assertThatThrownBy(() -> find(target("alpha")))
        .isInstanceOf(RefusedException.class)
        .hasMessageContaining("old_sympos");
    assertThatThrownBy(() -> find(target("alpha", 3)))
        .isInstanceOf(RefusedException.class)
        .hasMessageContaining("number 3 of 2");
    int second = SampleKernel.TEXT > SampleKernel.START + 0x3500 ? 2 : 1;
    assertThat(find(target("alpha", second)).code().start().value()).isEqualTo(SampleKernel.TEXT);
  }

  @Test
  void whatIsNoTraceableFunctionOfVmlinuxIsRefused() {
    assertThatThrownBy(() -> find(target("counter", 1)))
        .isInstanceOf(RefusedException.class)
        .hasMessageContaining("no function of vmlinux");
    assertThatThrownBy(() -> find(target("no_such_function")))
        .isInstanceOf(RefusedException.class)
        .hasMessageContaining("number 1 of 0");
    kernel.writeHex(SampleKernel.TEXT + 4, "9090909090");
    assertThatThrownBy(() -> find(target("alpha")))
        .isInstanceOfSatisfying(
            RefusedException.class,
            refused -> assertThat(refused.refusal()).isInstanceOf(FitRefusal.NoRedirectSite.class));
  }
}
