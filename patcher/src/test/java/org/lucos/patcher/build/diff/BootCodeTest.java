package org.lucos.patcher.build.diff;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.lucos.patcher.elf.ElfObject;
import org.lucos.patcher.refusal.RefusedException;

/** A running kernel has no boot code any more. */
class BootCodeTest {
  @Test
  void bootCodeThatAHeaderReachesStaysAsItWas() {
    String header = "static inline int limit(int x) { return x * 3; }\n";
    String code =
        """
        __attribute__((section(".init.text"))) noinline int setup(int x) { return limit(x) + 1; }
        noinline int running(int x) { return printk("%d", limit(x)); }
        """;
    ElfObject before = KernelC.sections(header + code);
    ElfObject after = KernelC.sections(header.replace("x * 3", "x - 9") + code);

    Extraction extraction = ObjectDiff.compareUser("dir/test.o", before, after);

    assertThat(extraction.replacedFunctions()).containsExactly("running");
    assertThat(extraction.leftOut()).containsExactly("boot code setup");
    assertThatThrownBy(() -> ObjectDiff.compare("dir/test.o", before, after))
        .isInstanceOf(RefusedException.class)
        .hasMessageContaining("'setup'");
  }

  @Test
  void bootCodeAloneIsNoChangeForWhoIncludesAHeader() {
    String code = "__attribute__((section(\".init.text\"))) int setup(int x) { return x + 1; }\n";
    ElfObject before = KernelC.sections(code);
    ElfObject after = KernelC.sections(code.replace("x + 1", "x + 2"));

    Extraction extraction = ObjectDiff.compareUser("dir/test.o", before, after);

    assertThat(extraction.isEmpty()).isTrue();
    assertThat(extraction.leftOut()).containsExactly("boot code setup");
  }
}
