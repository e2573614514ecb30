package org.lucos.tests.guest;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class KernelLogTest {
  @ParameterizedTest
  @ValueSource(
      strings = {
        "[    9.1] ------------[ cut here ]------------",
        "[    9.1] WARNING: CPU: 0 PID: 77 at fs/readdir.c:12 filldir+0x10/0x20",
        "[    9.1] BUG: kernel NULL pointer dereference, address: 0000000000000000",
        "[    9.1] watchdog: BUG: soft lockup - CPU#0 stuck for 26s! [cc1:112]",
        "[    9.1] rcu: INFO: rcu_preempt detected stalls on CPUs/tasks:",
        "[    9.1] general protection fault, probably for non-canonical address",
        "[    9.1] Call Trace:",
        "[    9.1] INFO: task cat:99 blocked for more than 120 seconds.",
        "[    9.1] Kernel panic - not syncing: Attempted to kill init!"
      })
  void tellsTrouble(String line) {
    assertThat(KernelLog.parse("[    1.0] all is well\n" + line).troubles()).containsExactly(line);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "[    9.1] lucos_fix: loading out-of-tree module taints kernel.",
        "[    9.1] lucos_fix: module verification failed: signature and/or required key missing",
        "[    0.1] RETBleed: WARNING: Spectre v2 mitigation leaves CPU vulnerable to RETBleed",
        "[    0.1] Spectre V2 : WARNING: Unprivileged eBPF is enabled with eIBRS on"
      })
  void takesWhatIsHarmlessForHarmless(String line) {
    assertThat(KernelLog.parse(line).troubles()).isEmpty();
  }

  @Test
  void beginsAfterTheLastMark() {
    KernelLog log = KernelLog.parse("[1] BUG: old\n[2] mark-1\n[3] new\n");

    assertThat(log.after("mark-1").lines()).containsExactly("[3] new");
    assertThat(log.after("mark-2").lines()).hasSize(3);
  }
}
