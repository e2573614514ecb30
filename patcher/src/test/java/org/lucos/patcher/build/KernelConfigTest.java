package org.lucos.patcher.build;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.lucos.patcher.refusal.ChangeRefusal;
import org.lucos.patcher.refusal.HostRefusal;
import org.lucos.patcher.refusal.RefusedException;

class KernelConfigTest {
  private static final String TEXT =
      """
      # CONFIG_KCOV is not set
      CONFIG_CC_VERSION_TEXT="x86_64-linux-gnu-gcc-12 (Debian 12.2.0-14) 12.2.0"
      CONFIG_PAHOLE_VERSION=124
      CONFIG_SMP=y
      """;

  private static HostCommands printing(String version) {
    return new HostCommands() {
      @Override
      public CommandOutcome run(Command command) {
        return new CommandOutcome(0, version + "\nCopyright\n", "");
      }

      @Override
      public CommandOutcome pipe(List<Command> commands) {
        return run(commands.get(0));
      }
    };
  }

  @Test
  void findsOptionsThatGotLost() {
    KernelConfig wanted = KernelConfig.parse(TEXT);
    assertThat(wanted.firstLost(KernelConfig.parse(TEXT.replace("124", "99")), false))
        .as("which pahole was there does not matter")
        .isEmpty();
    assertThat(wanted.firstLost(KernelConfig.parse(TEXT.replace("CONFIG_SMP=y", "")), false))
        .isEqualTo(Optional.of("CONFIG_SMP=y"));
  }

  @Test
  void takesTheCompilerTheKernelWasBuiltWith() {
    KernelCompiler compiler = KernelCompiler.of(KernelConfig.parse(TEXT));
    assertThat(compiler)
        .isEqualTo(new KernelCompiler("x86_64-linux-gnu-gcc-12", "(Debian 12.2.0-14) 12.2.0"));
    compiler.check(printing("x86_64-linux-gnu-gcc-12 (Debian 12.2.0-14) 12.2.0"));
  }

  @Test
  void namesBothCompilersWhenTheyDiffer() {
    KernelCompiler compiler = KernelCompiler.of(KernelConfig.parse(TEXT));
    assertThatThrownBy(() -> compiler.check(printing("gcc-12 (Debian 12.2.0-99) 12.2.0")))
        .isInstanceOfSatisfying(
            RefusedException.class,
            e -> {
              assertThat(e.refusal()).isInstanceOf(HostRefusal.HostNotReady.class);
              assertThat(e.refusal().message()).contains("12.2.0-14", "12.2.0-99");
            });
  }

  @Test
  void refusesKernelsOfOtherCompilers() {
    KernelConfig clang = KernelConfig.parse("CONFIG_CC_VERSION_TEXT=\"clang version 19\"\n");
    assertThatThrownBy(() -> KernelCompiler.of(clang))
        .isInstanceOfSatisfying(
            RefusedException.class,
            e -> assertThat(e.refusal()).isInstanceOf(ChangeRefusal.UnsupportedChange.class));
  }
}
