package org.lucos.patcher.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.lucos.patcher.app.KernelChoice.Wanted;
import org.lucos.patcher.build.PatchObject;
import org.lucos.patcher.refusal.ChangeRefusal;
import org.lucos.patcher.refusal.ExitCode;
import org.lucos.patcher.refusal.HostRefusal;
import org.lucos.patcher.refusal.InputRefusal;
import org.lucos.patcher.refusal.Refusal;
import org.lucos.patcher.refusal.RefusedException;

class VariantsTest {
  private static final Wanted OLD = new Wanted("6.1.0-1-amd64", Optional.empty());
  private static final Wanted YOUNG = new Wanted("6.12.1-amd64", Optional.empty());
  private static final List<Wanted> BOTH = List.of(OLD, YOUNG);

  private static Function<Wanted, PatchObject> refusing(Wanted kernel, Refusal reason) {
    return wanted -> {
      if (wanted.equals(kernel)) {
        throw new RefusedException(reason);
      }
      return SamplePatch.of(wanted.release(), "a fix");
    };
  }

  private static Refusal refusal(
      List<Wanted> kernels, boolean skip, Function<Wanted, PatchObject> build) {
    Refusal[] refusal = new Refusal[1];
    assertThatThrownBy(() -> Variants.of(kernels, skip, build))
        .isInstanceOfSatisfying(RefusedException.class, e -> refusal[0] = e.refusal());
    return refusal[0];
  }

  @Test
  void variantsShareOneDescriptionWithoutTheVersionsOfTheirSources() {
    Variants built =
        Variants.of(
            BOTH,
            false,
            kernel -> SamplePatch.of(kernel.release(), "a fix (linux " + kernel.release() + ")"));
    assertThat(built.skipped()).isEmpty();
    assertThat(built.objects())
        .extracting(object -> object.description().description())
        .containsExactly("a fix", "a fix");
    assertThat(built.objects())
        .extracting(object -> object.variant().release())
        .containsExactly(OLD.release(), YOUNG.release());
  }

  @Test
  void aKernelWithoutVariantFailsTheBuildByName() {
    Refusal reason = new InputRefusal.PatchDoesNotApply("fs/a.c", "hunk 1");
    Refusal refusal = refusal(BOTH, false, refusing(YOUNG, reason));
    assertThat(refusal.code()).isEqualTo("patch-does-not-apply");
    assertThat(refusal.exitCode()).isEqualTo(ExitCode.BAD_INPUT);
    assertThat(refusal.message()).contains(YOUNG.release(), "fs/a.c");
    assertThat(refusal.remedy()).contains("--skip-unsupported");
    assertThat(refusal(List.of(YOUNG), true, refusing(YOUNG, reason))).isEqualTo(reason);
  }

  @Test
  void orIsListedAsLeftOutIfTheOperatorWantsThat() {
    Variants built =
        Variants.of(BOTH, true, refusing(OLD, new ChangeRefusal.NothingChanged("same code")));
    assertThat(built.objects()).hasSize(1);
    assertThat(built.skipped())
        .singleElement()
        .satisfies(
            skipped -> {
              assertThat(skipped.release()).isEqualTo(OLD.release());
              assertThat(skipped.code()).isEqualTo("nothing-changed");
              assertThat(skipped.reason()).contains("same code");
            });
  }

  @Test
  void whatTheHostLacksIsNoReasonToLeaveAKernelOut() {
    Refusal refusal = refusal(BOTH, true, refusing(OLD, new HostRefusal.HostNotReady("gcc", "")));
    assertThat(refusal.code()).isEqualTo("host-not-ready");
    Refusal none =
        refusal(
            BOTH,
            true,
            kernel -> {
              throw new RefusedException(new ChangeRefusal.NothingChanged(kernel.release()));
            });
    assertThat(none.message()).contains("2 kernels", OLD.release());
  }
}
