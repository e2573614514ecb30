package org.lucos.tests.live;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.lucos.patcher.app.Report;
import org.lucos.tests.guest.Guest;
import org.lucos.tests.guest.TestGuest;

/** A change of an inline function, in every function of the kernel that has it inlined. */
class HeaderPatchTest {
  private static final String RECIPE = "utsname-of-init";

  /** Sets the name in a namespace of its own; the name outside is what is printed. */
  private static final String TRY = "unshare -u hostname inside; hostname; hostname outside";

  @Test
  void inlineFunctionOfAHeaderChangesWhereverItIsInlined(@Guest TestGuest guest) {
    Operator operator = new Operator(guest);
    guest.markKernelLog();
    guest.run("hostname outside");
    assertThat(guest.run(TRY)).isEqualTo("outside");
    List<String> functions =
        operator.plan(operator.bundle(RECIPE)).functions().stream()
            .map(Report.Function::name)
            .toList();
    assertThat(functions)
        .as("in several files: kernel/sys.c, fs/proc/version.c, fs/coredump.c")
        .contains("__x64_sys_newuname", "version_proc_show", "do_coredump")
        .hasSizeGreaterThan(10);
    var before = operator.text(functions);

    operator.apply(RECIPE);
    assertThat(guest.run(TRY)).isEqualTo("inside");

    operator.revert(RECIPE);
    assertThat(guest.run(TRY)).isEqualTo("outside");
    assertThat(operator.text(functions)).isEqualTo(before);
    assertThat(operator.modules()).isEmpty();
    guest.assertNoKernelWarnings();
  }
}
