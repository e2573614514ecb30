package org.lucos.patcher.build;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class OtherCodeTest {

  @ParameterizedTest
  @CsvSource({
    "arch/x86/entry/vdso/vma.S, vDSO",
    "arch/x86/entry/vdso/vclock_gettime.c, vDSO",
    "lib/vdso/gettimeofday.c, vDSO",
    "arch/x86/boot/compressed/misc.c, before the kernel",
    "arch/x86/realmode/rm/wakemain.c, real mode",
    "arch/x86/purgatory/purgatory.c, kexec",
    "drivers/firmware/efi/libstub/x86-stub.c, EFI"
  })
  void codeThatIsNotTheKernelsIsRefusedByName(String path, String why) {
    assertThat(OtherCode.refusal(path).orElseThrow().message()).contains(path).contains(why);
    assertThat(OtherCode.refusal(path).orElseThrow().remedy()).contains("reboot");
  }

  @Test
  void theKernelsOwnIsNot() {
    assertThat(OtherCode.refusal("kernel/fork.c")).isEmpty();
    assertThat(OtherCode.refusal("arch/x86/entry/common.c")).isEmpty();
  }
}
